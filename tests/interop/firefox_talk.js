// SPDX-License-Identifier: MIT
// Firefox talks on pa-send's page, and a pa-recv plays it.
import {closePage, finishTalk, holdTalk, openFirefox, openPage} from './browser.js';
import {hearTone, runTest, writeWav} from './house.js';

const VOICE_HZ = 1000; // of Firefox's own fake microphone
const TALK_S = 5;
const HEARD_S = 0.95 * TALK_S;
// The last words, and who connects before it is told.
const BESIDES_S = 2;

await runTest(async (house) => {
  const wav = house.path('talk.wav');
  writeWav(house.path('silence.wav'), 2, 1, () => 0);
  const sender = await house.startSender('--loop', house.path('silence.wav'));
  await house.startRecorder(wav, new URL(sender.url).host, sender.tokens.speaker, '--pin', sender.pin);
  const browser = await openFirefox();
  try {
    const page = await openPage(browser, sender, {role: 'talker'});
    await holdTalk(page, sender);
    await finishTalk(page, sender, TALK_S);
    await closePage(page);
    await house.stopAll();
    hearTone(wav, VOICE_HZ, HEARD_S, TALK_S + BESIDES_S);
    hearTone(wav, 2 * VOICE_HZ, 0, 0.2);
  } finally {
    await browser.close();
  }
});
