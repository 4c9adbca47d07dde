// SPDX-License-Identifier: MIT
// Five pages listen at once, whole and apart; who closes his page or lets go of Listen is gone from
// the server at once, for the page asks it by DELETE, and who opens it again hears again.
import assert from 'node:assert/strict';

import {assertStereo, closePage, getBestConcealment, getConcealment, listen, openBrowser, openPage}
  from './browser.js';
import {runTest, sine, waitUntil, writeWav} from './house.js';

const PAGES = 5;
const LISTENED_S = 20;
// Five decoders, an encoder and the browser's own work share what may be two cores: one hiccup of
// 80 ms in 20 s is 0.4 %.
const CONCEALED_PERCENT_MAX = 2;
const ALONE_PERCENT_MAX = 0.5;
// A session without DELETE stays for 30 s, until its consent expires.
const GONE_WITHIN_S = 3;

async function openListening(browser, sender, options) {
  const page = await openPage(browser, sender, options);
  await listen(page);
  return page;
}

function peersAre(sender, count) {
  return sender.reaches(`${count} peers`, GONE_WITHIN_S, (last) => last.peers === count);
}

await runTest(async (house) => {
  writeWav(house.path('stereo.wav'), 2, 1,
    (second, channel) => 0.3 * sine(channel === 0 ? 440 : 880, second));
  const sender = await house.startSender('--loop', house.path('stereo.wav'));
  const browser = await openBrowser();
  try {
    const pages = await Promise.all(Array.from({length: PAGES}, () => openListening(browser, sender)));
    await sender.reaches('five listen', 1, (last) => last.connected === PAGES);
    const concealed = await Promise.all(pages.map((page) => getConcealment(page, LISTENED_S)));
    console.log(`concealed: ${concealed.map((percent) => percent.toFixed(2)).join(' ')} %`);
    assert.ok(Math.max(...concealed) <= CONCEALED_PERCENT_MAX, `${concealed} % concealed`);
    for (const page of pages) {
      await assertStereo(page, 440, 880);
    }

    await closePage(pages.pop());
    await peersAre(sender, PAGES - 1);

    const left = pages.pop();
    await left.goto('about:blank');
    await peersAre(sender, PAGES - 2);
    await closePage(left);

    await closePage(pages.pop());
    await peersAre(sender, PAGES - 3);
    const quiet = await openListening(browser, sender, {hangsOn: true});
    await quiet.click('#listen');
    await waitUntil('DELETE is answered', GONE_WITHIN_S, () => quiet.requests.includes('DELETE 200'));
    await peersAre(sender, PAGES - 3);
    await listen(quiet);
    await peersAre(sender, PAGES - 2);
    await closePage(quiet);

    const again = await openListening(browser, sender);
    await peersAre(sender, PAGES - 2);
    await Promise.all(pages.map(closePage));
    await peersAre(sender, 1);
    const alone = await getBestConcealment(again, ALONE_PERCENT_MAX);
    assert.ok(alone <= ALONE_PERCENT_MAX, `${alone} % concealed`);
    await assertStereo(again, 440, 880);
  } finally {
    await browser.close();
  }
});
