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

// As when the device has come into another network; all pages at once. The sound goes on meanwhile.
// Returns the connections before and after.
async function moveAll(pages, request) {
  const before = await Promise.all(pages.map(lookAtConnection));
  await Promise.all(pages.map(async (page) => {
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await waitUntil(request, 5, () => page.requests.includes(request));
  }));
  await assertWhole(pages, RESTARTED_S, CONCEALED_PERCENT_MAX);
  const after = await Promise.all(pages.map(lookAtConnection));
  return pages.map((page, i) => [before[i], after[i]]);
}

async function restart(pages) {
  const moved = await moveAll(pages, 'PATCH 200');
  for (const page of pages) {
    await assertStereo(page, 440, 880);
  }
  for (const [before, now] of moved) {
    assert.equal(now.state, 'connected');
    assert.notEqual(lineOf(now.answer, 'ice-ufrag'), lineOf(before.answer, 'ice-ufrag'));
    assert.equal(`a=ice-ufrag:${now.selectedUfrag}`, lineOf(now.offer, 'ice-ufrag'));
    assert.equal(lineOf(now.answer, 'fingerprint'), lineOf(before.answer, 'fingerprint'));
  }
}

// As if nothing had been asked for.
async function restartInVain(pages) {
  await Promise.all(pages.map((page) => page.route(/\/whep\/./, (route) => route.fulfill({status: 422}))));
  for (const [before, after] of await moveAll(pages, 'PATCH 422')) {
    // Candidates that were found for the restart may have come after it was taken back.
    assert.equal(lineOf(after.offer, 'ice-ufrag'), lineOf(before.offer, 'ice-ufrag'));
    assert.equal(lineOf(after.offer, 'ice-pwd'), lineOf(before.offer, 'ice-pwd'));
    assert.deepEqual([after.answer, after.state, after.signaling], [before.answer, 'connected', 'stable']);
  }
  await Promise.all(pages.map((page) => page.unroute(/\/whep\/./)));
}

async function join(browser, sender, ice, setup) {
  const page = await openPage(browser, sender, {setup});
  await listen(page);
  const {answer, dtlsRole, iceRole} = await lookAtConnection(page);
  assert.equal(answer.includes('a=ice-lite'), ice === 'lite');
  assert.equal(dtlsRole, DTLS_ROLES[setup]);
  assert.equal(iceRole, 'controlling');
  await assertStereo(page, 440, 880);
  console.log(`--ice ${ice}, offer says ${setup}: heard, the browser is ${dtlsRole} of DTLS`);
  return page;
}

// pa-send ends: its close_notify, made when the handshake was over, tells a browser at once, which
// else would take seconds to miss it. The page, which closes its end when it hears, is kept from it.
function awaitClose(page) {
  return page.evaluate(() => {
    const pc = window.connections.at(-1);
    const transport = pc.getReceivers()[0].transport;
    window.heard = [];
    pc.close = () => {};
    transport.onstatechange = () => window.heard.push(`${transport.state}, ${pc.signalingState}`);
  });
}

function hearClose(page) {
  return waitUntil('the browser is told', 2,
    async () => (await page.evaluate(() => window.heard)).includes('closed, stable'));
}

async function connectAll(house, browser, ice) {
  const sender = await house.startSender('--ice', ice, '--loop', house.path('stereo.wav'));
  const pages = await Promise.all(Object.keys(DTLS_ROLES).map((setup) => join(browser, sender, ice, setup)));
  await restart(pages);
  await restartInVain(pages);
  await sender.reaches('one session a page', 1, (last) => last.peers === pages.length);
  await Promise.all(pages.map(awaitClose));
  await house.stopAll();
  await Promise.all(pages.map(hearClose));
  await Promise.all(pages.map(closePage));
}

await runTest(async (house) => {
  writeWav(house.path('stereo.wav'), 2, 1,
    (second, channel) => 0.3 * sine(channel === 0 ? 440 : 880, second));
  const browser = await openBrowser();
  try {
    for (const ice of ['lite', 'full']) {
      await connectAll(house, browser, ice);
    }
  } finally {
    await browser.close();
  }
});
