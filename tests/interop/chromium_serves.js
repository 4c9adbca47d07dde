// SPDX-License-Identifier: MIT
// A browser serves pa-recv by WHEP: it answers the offer and plays a tone, with every choice of --ice.
// pa-recv offers both roles of DTLS, so the browser is its client, whose ClientHello comes in two
// fragments.
import assert from 'node:assert/strict';

import {openBrowser} from './browser.js';
import {hearTone, runTest, waitUntil} from './house.js';

const LEFT_HZ = 440;
const RIGHT_HZ = 880;
const PLAYED_S = 4;
// pa-recv fades in.
const HEARD_S = 0.9 * PLAYED_S;

// Runs in the page: one session at a time.
async function answerIn({offer, leftHz, rightHz}) {
  window.pc?.close();
  window.pc = new RTCPeerConnection();
  await window.pc.setRemoteDescription({type: 'offer', sdp: offer});
  window.context ??= new AudioContext({sampleRate: 48000});
  const sink = new MediaStreamAudioDestinationNode(window.context, {channelCount: 2});
  const merger = new ChannelMergerNode(window.context, {numberOfInputs: 2});
  [leftHz, rightHz].forEach((frequency, channel) => {
    const tone = new OscillatorNode(window.context, {frequency});
    tone.connect(new GainNode(window.context, {gain: 0.3})).connect(merger, 0, channel);
    tone.start();
  });
  merger.connect(sink);
  const [transceiver] = window.pc.getTransceivers();
  transceiver.direction = 'sendonly';
  await transceiver.sender.replaceTrack(sink.stream.getAudioTracks()[0]);
  await window.pc.setLocalDescription();
  while (window.pc.iceGatheringState !== 'complete') {
    await new Promise((done) => window.pc.addEventListener('icegatheringstatechange', done, {once: true}));
  }
  return window.pc.localDescription.sdp;
}

function serveWith(page) {
  return async (request, offer) => (request.method !== 'POST' ? {status: 200} : {
    status: 201,
    headers: {'Content-Type': 'application/sdp', 'Location': '/whep/one', 'ETag': '"one"'},
    body: await page.evaluate(answerIn, {offer, leftHz: LEFT_HZ, rightHz: RIGHT_HZ}),
  });
}

async function play(house, page, ice) {
  const wav = house.path(`${ice}.wav`);
  const server = await house.serve(serveWith(page));
  const receiver = await house.startRecorder(wav, `${server.url}/whep`, 'none', '--ice', ice);
  const {t_s: begin} = receiver.last;
  await receiver.reaches('it has played', PLAYED_S + 5, (last) => last.t_s >= begin + PLAYED_S);
  const stats = await page.evaluate(async () => [...(await window.pc.getStats()).values()]);
  const transport = stats.find((entry) => entry.type === 'transport');
  assert.equal(transport.dtlsRole, 'client');
  assert.equal(transport.iceRole, ice === 'full' ? 'controlled' : 'controlling');
  await receiver.stop();
  await waitUntil('the session is deleted', 5, () => server.requests.includes('DELETE /whep/one'));
  assert.deepEqual(server.requests, [ice === 'full' ? 'POST /whep' : 'POST /whep lite', 'DELETE /whep/one']);
  hearTone(wav, LEFT_HZ, HEARD_S, PLAYED_S + 5);
  hearTone(wav, RIGHT_HZ, 0, 0.1);
}

await runTest(async (house) => {
  const browser = await openBrowser();
  try {
    const page = await browser.newPage();
    for (const ice of ['full', 'lite', 'auto']) {
      await play(house, page, ice);
      house.programs = [];
    }
  } finally {
    await browser.close();
  }
});
