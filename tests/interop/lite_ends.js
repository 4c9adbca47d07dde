// SPDX-License-Identifier: MIT
// Two lite ends would wait for each other for ever. pa-send answers a lite offer as a full agent; a
// server between the two that hides that the offer is lite makes pa-send lite as well, as an SFU is:
// then pa-recv --ice auto posts once more, as a full agent, and plays; --ice lite says why it cannot.
import assert from 'node:assert/strict';
import {request} from 'node:https';

import {hearTone, runTest, waitUntil} from './house.js';

const TONE_HZ = 440;
const PLAYED_S = 3;
// pa-recv fades in.
const HEARD_S = 0.9 * PLAYED_S;

function forward({method, url, headers}, body, sender) {
  const sdp = body.replace(/^a=ice-lite\r?\n/m, '');
  const options = {
    method,
    headers: {...headers, 'host': new URL(sender.url).host, 'content-length': Buffer.byteLength(sdp)},
    rejectUnauthorized: false,
  };
  return new Promise((answered, failed) => {
    request(new URL(url, sender.url), options, async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) {
        text += chunk;
      }
      answered({status: response.statusCode, headers: response.headers, body: text});
    }).on('error', failed).end(sdp);
  });
}

async function play(house, sender, wav, server, ...args) {
  const receiver = await house.startRecorder(wav, server, sender.tokens.speaker, ...args);
  const {t_s: begin} = receiver.last;
  await receiver.reaches('it has played', PLAYED_S + 5, (last) => last.t_s >= begin + PLAYED_S);
  await receiver.stop();
  hearTone(wav, TONE_HZ, HEARD_S, PLAYED_S + 5);
}

await runTest(async (house) => {
  const sender = await house.startSender('--ice', 'lite', `tone:${TONE_HZ}`);
  await play(house, sender, house.path('direct.wav'), new URL(sender.url).host, '--pin', sender.pin,
    '--ice', 'lite');

  const between = await house.serve((asked, body) => forward(asked, body, sender));
  await play(house, sender, house.path('auto.wav'), `${between.url}/whep`, '--ice', 'auto');
  const posts = between.requests.filter((line) => line.startsWith('POST'));
  assert.deepEqual(posts, ['POST /whep lite', 'POST /whep']);
  await sender.reaches('both sessions are gone', 5, (last) => last.peers === 0);

  const strict = house.start(process.env.PA_RECV, ['--server', `${between.url}/whep`, '--ice', 'lite',
    '--token-file', house.path('auto.wav.token'), '--wav', house.path('strict.wav')]);
  await waitUntil('--ice lite gives up', 10, () => strict.ended);
  assert.equal(strict.child.exitCode, 2);
  assert.match(strict.log, /use --ice full or auto/);
  house.programs = [sender];
});
