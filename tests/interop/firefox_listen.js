// SPDX-License-Identifier: MIT
// Firefox listens on pa-send's page: both channels apart, and whole, for each length of frame, both
// kinds of ICE and both roles of DTLS; also when the page restarts ICE meanwhile, as in another network.
import assert from 'node:assert/strict';

import {assertStereo, assertWhole, closePage, listen, lookAtConnection, openFirefox, openPage}
  from './browser.js';
import {runTest, sine, waitUntil, writeWav} from './house.js';

const LEFT_HZ = 440;
const RIGHT_HZ = 880;
const CONCEALED_PERCENT_MAX = 0.5;
const STRETCH_S = 3;

async function join(house, browser, [ice, frameMs, setup]) {
  const sender = await house.startSender('--ice', ice, '--frame-ms', String(frameMs), '--loop',
    house.path('stereo.wav'));
  const page = await openPage(browser, sender, {setup});
  await listen(page);
  const {offer, answer} = await lookAtConnection(page);
  assert.match(answer, new RegExp(`^a=setup:${setup === 'active' ? 'passive' : 'active'}\r?$`, 'm'));
  assert.equal(answer.includes('a=ice-lite'), ice === 'lite');
  console.log(`--ice ${ice}, ${frameMs} ms, offer says ${setup ?? 'actpass'}`);
  return {sender, page, offer, answer};
}

async function restart({page}) {
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await waitUntil('the restart is answered', 5, () => page.requests.includes('PATCH 200'));
}

async function leave({sender, page, offer, answer}) {
  await assertStereo(page, LEFT_HZ, RIGHT_HZ);
  const after = await lookAtConnection(page);
  assert.equal(after.state, 'connected');
  for (const [now, before] of [[after.offer, offer], [after.answer, answer]]) {
    const [ufragNow, ufragBefore] = [now, before].map((sdp) => sdp.match(/^a=ice-ufrag:.*$/m)[0]);
    assert.notEqual(ufragNow, ufragBefore);
  }
  await sender.reaches('one session', 1, (last) => last.peers === 1);
  await closePage(page);
  await sender.reaches('the session is gone', 3, (last) => last.peers === 0);
}

// Several at once, each at a server of its own.
async function hear(house, browser, ...cases) {
  const listeners = await Promise.all(cases.map((one) => join(house, browser, one)));
  const pages = listeners.map(({page}) => page);
  await assertWhole(pages, STRETCH_S, CONCEALED_PERCENT_MAX);
  await Promise.all(listeners.map(restart));
  await assertWhole(pages, STRETCH_S, CONCEALED_PERCENT_MAX);
  for (const listener of listeners) {
    await leave(listener);
  }
  await house.stopAll();
}

await runTest(async (house) => {
  writeWav(house.path('stereo.wav'), 2, 1,
    (second, channel) => 0.3 * sine(channel === 0 ? LEFT_HZ : RIGHT_HZ, second));
  const browser = await openFirefox();
  try {
    await hear(house, browser, ['lite', 5], ['lite', 10]);
    await hear(house, browser, ['lite', 20, 'active'], ['full', 20]);
  } finally {
    await browser.close();
  }
});
