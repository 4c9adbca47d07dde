// SPDX-License-Identifier: MIT
// A browser talks on pa-send's page, and a pa-recv plays it; as server of DTLS, and as its client,
// whose ClientHello comes in two fragments.
import assert from 'node:assert/strict';

import {closePage, finishTalk, holdTalk, lookAtConnection, openBrowser, openPage} from './browser.js';
import {hearTone, runTest, sine, writeWav} from './house.js';

const VOICE_HZ = 1000;
// In syllables: a steady tone is noise to the browser's noise suppression, gone within two seconds.
const SYLLABLE_S = 0.2;
const TALK_S = 5;
const HEARD_S = 0.95 * TALK_S / 2;
// The last words, and who connects before it is told.
const BESIDES_S = 2;

async function talk(house, browser, setup, dtlsRole) {
  const wav = house.path(`${setup}.wav`);
  const sender = await house.startSender('--loop', house.path('silence.wav'));
  await house.startRecorder(wav, new URL(sender.url).host, sender.tokens.speaker, '--pin', sender.pin);
  const page = await openPage(browser, sender, {role: 'talker', setup});
  await holdTalk(page, sender);
  assert.equal((await lookAtConnection(page)).dtlsRole, dtlsRole);
  await finishTalk(page, sender, TALK_S);
  await closePage(page);
  await house.stopAll();
  hearTone(wav, VOICE_HZ, HEARD_S, (TALK_S + BESIDES_S) / 2);
  hearTone(wav, 2 * VOICE_HZ, 0, 0.2);
}

await runTest(async (house) => {
  writeWav(house.path('silence.wav'), 2, 1, () => 0);
  writeWav(house.path('voice.wav'), 1, 2,
    (second) => (second % (2 * SYLLABLE_S) < SYLLABLE_S ? 0.5 : 0) * sine(VOICE_HZ, second));
  const browser = await openBrowser(house.path('voice.wav'));
  try {
    await talk(house, browser, 'actpass', 'server');
    await talk(house, browser, 'active', 'client');
  } finally {
    await browser.close();
  }
});
