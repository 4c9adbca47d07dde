// SPDX-License-Identifier: MIT
// chromium_crowd SECONDS lite|full: five pages listen at once for so long, whole and apart; who closes
// his page or lets go of Listen is gone from the server at once, for the page asks it by DELETE, and
// who opens it again hears again. The second word is pa-send's --ice.
import assert from 'node:assert/strict';

import {assertStereo, assertWhole, closePage, listen, openBrowser, openPage} from './browser.js';
import {runTest, sine, waitUntil, writeWav} from './house.js';

const PAGES = 5;
const CONCEALED_PERCENT_MAX = 0.5;
const ALONE_S = 10; // one frame made up is 20 ms: of 4 s, that alone would be the most
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

const listenedS = Number(process.argv[2]);
const ice = process.argv[3];

await runTest(async (house) => {
  writeWav(house.path('stereo.wav'), 2, 1,
    (second, channel) => 0.3 * sine(channel === 0 ? 440 : 880, second));
  const sender = await house.startSender('--ice', ice, '--loop', house.path('stereo.wav'));
  const browser = await openBrowser();
  try {
    const pages = await Promise.all(Array.from({length: PAGES}, () => openListening(browser, sender)));
    await sender.reaches('five listen', 1, (last) => last.connected === PAGES);
    await assertWhole(pages, listenedS, CONCEALED_PERCENT_MAX);
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
    await assertWhole([again], ALONE_S, CONCEALED_PERCENT_MAX);
    await assertStereo(again, 440, 880);
  } finally {
    await browser.close();
  }
});
