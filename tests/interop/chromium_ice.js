// SPDX-License-Identifier: MIT
// A browser towards both kinds of ICE that pa-send has, each in both roles of DTLS.
import assert from 'node:assert/strict';

import {assertStereo, closePage, listen, lookAtConnection, openBrowser, openPage} from './browser.js';
import {runTest, sine, writeWav} from './house.js';

const DTLS_ROLES = {actpass: 'server', active: 'client', passive: 'server'};

async function connect(house, browser, ice, setup) {
  const sender = await house.startSender('--ice', ice, '--loop', house.path('stereo.wav'));
  const page = await openPage(browser, sender, {setup});
  await listen(page);
  const {answer, dtlsRole, iceRole} = await lookAtConnection(page);
  assert.equal(answer.includes('a=ice-lite'), ice === 'lite');
  assert.equal(dtlsRole, DTLS_ROLES[setup]);
  assert.equal(iceRole, 'controlling');
  await assertStereo(page, 440, 880);
  console.log(`--ice ${ice}, offer says ${setup}: heard, the browser is ${dtlsRole} of DTLS`);
  await closePage(page);
  await house.stopAll();
}

await runTest(async (house) => {
  writeWav(house.path('stereo.wav'), 2, 1,
    (second, channel) => 0.3 * sine(channel === 0 ? 440 : 880, second));
  const browser = await openBrowser();
  try {
    for (const ice of ['lite', 'full']) {
      for (const setup of Object.keys(DTLS_ROLES)) {
        await connect(house, browser, ice, setup);
      }
    }
  } finally {
    await browser.close();
  }
});
