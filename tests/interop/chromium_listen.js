// SPDX-License-Identifier: MIT
// A browser listens on pa-send's page: both channels apart, and whole, for each length of frame and
// each direction that an offer may have; and after a pause that the server asks for.
import assert from 'node:assert/strict';

import {assertStereo, assertWhole, closePage, listen, lookAtConnection, openBrowser, openPage}
  from './browser.js';
import {runTest, sine, writeWav} from './house.js';

const LEFT_HZ = 440;
const RIGHT_HZ = 880;
const CONCEALED_PERCENT_MAX = 0.5;
const STRETCH_S = 4;

async function hear(house, browser, frameMs, direction) {
  const sender = await house.startSender('--frame-ms', String(frameMs), '--loop', house.path('stereo.wav'));
  const page = await openPage(browser, sender, {direction});
  await listen(page);
  const {offer, answer} = await lookAtConnection(page);
  assert.match(offer, new RegExp(`^a=${direction}\r?$`, 'm'));
  assert.match(answer, /^a=sendonly\r?$/m);
  console.log(`${frameMs} ms, ${direction}`);
  await assertWhole([page], STRETCH_S, CONCEALED_PERCENT_MAX);
  await assertStereo(page, LEFT_HZ, RIGHT_HZ);
  await closePage(page);
  await house.stopAll();
}

// A pause that the server asks for is kept; then the page asks again.
async function hearAfterPause(house, browser) {
  const sender = await house.startSender('--loop', house.path('stereo.wav'));
  const page = await openPage(browser, sender);
  await page.route(/\/whep$/, (route) => route.fulfill({status: 429, headers: {'Retry-After': '1'}}),
    {times: 1});
  await listen(page);
  const posts = page.requests.filter((request) => request.startsWith('POST'));
  assert.deepEqual(posts, ['POST 429', 'POST 201']);
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
    await hearAfterPause(house, browser);
  } finally {
    await browser.close();
  }
});
