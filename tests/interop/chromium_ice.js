// SPDX-License-Identifier: MIT
// A browser towards both kinds of ICE that pa-send has, each in both roles of DTLS; and ICE restarted
// by the page, in the middle of the sound.
import assert from 'node:assert/strict';

import {assertStereo, assertWhole, closePage, listen, lookAtConnection, openBrowser, openPage}
  from './browser.js';
import {runTest, sine, waitUntil, writeWav} from './house.js';

const RESTARTED_S = 2;
const CONCEALED_PERCENT_MAX = 0.5;
const DTLS_ROLES = {actpass: 'server', active: 'client', passive: 'server'};

const lineOf = (sdp, name) => sdp.match(new RegExp(`^a=${name}:.*$`, 'm'))[0];

// As when the device has come into another network.
async function restart(page, answer) {
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await waitUntil('the restart is answered', 5, () => page.requests.includes('PATCH 200'));
  await assertWhole([page], RESTARTED_S, CONCEALED_PERCENT_MAX);
  await assertStereo(page, 440, 880);
  const now = await lookAtConnection(page);
  assert.equal(now.state, 'connected');
  assert.notEqual(lineOf(now.answer, 'ice-ufrag'), lineOf(answer, 'ice-ufrag'));
  assert.equal(`a=ice-ufrag:${now.selectedUfrag}`, lineOf(now.offer, 'ice-ufrag'));
  assert.equal(lineOf(now.answer, 'fingerprint'), lineOf(answer, 'fingerprint'));
}

// The sound goes on as if nothing had been asked for.
async function restartInVain(page) {
  const before = await lookAtConnection(page);
  await page.route(/\/whep\/./, (route) => route.fulfill({status: 422}));
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await waitUntil('the restart is refused', 5, () => page.requests.includes('PATCH 422'));
  await assertWhole([page], RESTARTED_S, CONCEALED_PERCENT_MAX);
  const after = await lookAtConnection(page);
  // Candidates that were found for the restart may have come after it was taken back.
  assert.equal(lineOf(after.offer, 'ice-ufrag'), lineOf(before.offer, 'ice-ufrag'));
  assert.equal(lineOf(after.offer, 'ice-pwd'), lineOf(before.offer, 'ice-pwd'));
  assert.deepEqual([after.answer, after.state, after.signaling], [before.answer, 'connected', 'stable']);
  await page.unroute(/\/whep\/./);
}

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
  await restart(page, answer);
  await restartInVain(page);
  await sender.reaches('one session', 1, (last) => last.peers === 1);
  await hearClose(house, page);
  await closePage(page);
}

// pa-send ends: its close_notify, made when the handshake was over, tells the browser at once, which
// else would take seconds to miss it. The page, which closes its end when it hears, is kept from it.
async function hearClose(house, page) {
  await page.evaluate(() => {
    const pc = window.connections.at(-1);
    const transport = pc.getReceivers()[0].transport;
    window.heard = [];
    pc.close = () => {};
    transport.onstatechange = () => window.heard.push(`${transport.state}, ${pc.signalingState}`);
  });
  await house.stopAll();
  await waitUntil('the browser is told', 2,
    async () => (await page.evaluate(() => window.heard)).includes('closed, stable'));
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
