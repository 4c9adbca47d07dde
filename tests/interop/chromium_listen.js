// SPDX-License-Identifier: MIT
// A browser listens on pa-send's page: both channels apart, and whole, for each length of frame and
// each direction that an offer may have.
import assert from 'node:assert/strict';

import {assertStereo, closePage, getBestConcealment, listen, lookAtConnection, openBrowser, openPage}
  from './browser.js';
import {runTest, sine, writeWav} from './house.js';

const LEFT_HZ = 440;
const RIGHT_HZ = 880;
const CONCEALED_PERCENT_MAX = 0.5;

async function hear(house, browser, frameMs, direction) {
  const sender = await house.startSender('--frame-ms', String(frameMs), '--loop', house.path('stereo.wav'));
  const page = await openPage(browser, sender, {direction});
  await listen(page);
  const {offer, answer} = await lookAtConnection(page);
  assert.match(offer, new RegExp(`^a=${direction}\r?$`, 'm'));
  assert.match(answer, /^a=sendonly\r?$/m);
  const concealed = await getBestConcealment(page, CONCEALED_PERCENT_MAX);
  console.log(`${frameMs} ms, ${direction}: ${concealed.toFixed(2)} % concealed`);
  assert.ok(concealed <= CONCEALED_PERCENT_MAX, `${concealed} % concealed`);
  await assertStereo(page, LEFT_HZ, RIGHT_HZ);
  await closePage(page);
  await house.stopAll();
}

await runTest(async (house) => {
  writeWav(house.path('stereo.wav'), 2, 1,
    (second, channel) => 0.3 * sine(channel === 0 ? LEFT_HZ : RIGHT_HZ, second));
  const browser = await openBrowser();
  try {
    for (const frameMs of [5, 10, 20]) {
      for (const direction of ['recvonly', 'sendrecv']) {
        await hear(house, browser, frameMs, direction);
      }
    }
  } finally {
    await browser.close();
  }
});
