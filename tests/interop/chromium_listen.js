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
const DIRECTIONS = ['recvonly', 'sendrecv'];

async function join(browser, sender, direction) {
  const page = await openPage(browser, sender, {direction});
  await listen(page);
  const {offer, answer} = await lookAtConnection(page);
  assert.match(offer, new RegExp(`^a=${direction}\r?$`, 'm'));
  assert.match(answer, /^a=sendonly\r?$/m);
  return page;
}

// Both directions at once.
async function hear(house, browser, frameMs) {
  const sender = await house.startSender('--frame-ms', String(frameMs), '--loop', house.path('stereo.wav'));
  const pages = await Promise.all(DIRECTIONS.map((direction) => join(browser, sender, direction)));
  console.log(`${frameMs} ms, ${DIRECTIONS.join(' and ')}`);
  await assertWhole(pages, STRETCH_S, CONCEALED_PERCENT_MAX);
  for (const page of pages) {
    await assertStereo(page, LEFT_HZ, RIGHT_HZ);
    await closePage(page);
  }
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
      await hear(house, browser, frameMs);
    }
    await hearAfterPause(house, browser);
  } finally {
    await browser.close();
  }
});
