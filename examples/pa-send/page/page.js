// SPDX-License-Identifier: MIT
// The page: who listens, who talks, and how it goes.
'use strict';

const element = (id) => document.getElementById(id);
const token = element('token');
const listen = element('listen');
const talk = element('talk');
const sound = element('sound');

const LEVEL_MS = 100;
const STATS_MS = 1000;
// What was said last is still on its way when the button is let go.
const LAST_WORDS_MS = 200;

function tell(state, text) {
  element('state').dataset.state = state;
  element('state').textContent = text;
}

// ---- the token: in sessionStorage, never in an address that is sent ----

function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    sessionStorage.setItem('token', given);
    history.replaceState(null, '', location.pathname);
  }
  token.value = sessionStorage.getItem('token') ?? '';
  showWhatCanBeDone();
}

token.addEventListener('input', () => {
  sessionStorage.setItem('token', token.value.trim());
  showWhatCanBeDone();
});

function currentToken() {
  return token.value.trim();
}

// ---- listening ----

let listening = null; // a Session
let wantsToListen = false;
let againTimer = 0;

async function beginListening() {
  const session = new Session('whep', currentToken(), (state) => followListening(session, state));
  listening = session;
  tell('connecting', 'Connecting…');
  session.pc.addTransceiver('audio', {direction: 'recvonly'});
  session.pc.ontrack = (event) => {
    sound.srcObject = new MediaStream([event.track]);
    sound.play().catch(() => tell('error', 'The browser does not play: press Listen again.'));
  };
  try {
    await session.start();
  } catch (error) {
    session.stop();
    if (session === listening) {
      listeningFailed(error);
    }
  }
}

function listeningFailed(error) {
  const retryS = error instanceof Refusal ? error.retryS : 2;
  const text = error instanceof Refusal ? error.message : 'The server cannot be reached.';
  listening = null;
  if (retryS === 0) {
    wantsToListen = false;
    showWhatCanBeDone();
    tell('error', text);
    return;
  }
  tell('waiting', `${text} Trying again in ${retryS} s.`);
  againTimer = setTimeout(beginListening, retryS * 1000);
}

function followListening(session, state) {
  if (session !== listening) {
    return;
  }
  if (state === 'connected') {
    tell('listening', 'Listening.');
  } else if (state === 'disconnected') {
    tell('waiting', 'The connection is lost; waiting for it.');
  } else {
    listeningFailed(new Refusal('The connection has ended.', 2));
  }
}

function endListening() {
  clearTimeout(againTimer);
  listening?.stop();
  listening = null;
  sound.srcObject = null;
  tell('idle', 'Not connected.');
}

listen.addEventListener('click', () => {
  wantsToListen = !wantsToListen;
  showWhatCanBeDone();
  if (wantsToListen) {
    beginListening();
  } else {
    endListening();
  }
});

// ---- talking ----

let talking = null; // {session, stream}
let held = false;
let microphone = 'unknown'; // 'unknown', 'there', 'missing' or 'refused'

function whyNotTalk() {
  if (!window.isSecureContext) {
    return 'Talk needs HTTPS: the browser gives no microphone to this address.';
  }
  if (!navigator.mediaDevices?.getUserMedia) {
    return 'Talk is not possible: this browser gives no microphone.';
  }
  if (microphone === 'missing') {
    return 'Talk is not possible: there is no microphone.';
  }
  if (microphone === 'refused') {
    return 'Talk needs the microphone: allow it for this site in the browser’s settings.';
  }
  return '';
}

function showWhatCanBeDone() {
  const reason = whyNotTalk();
  const known = currentToken() !== '';
  element('why').hidden = reason === '' && known;
  element('why').textContent = reason || 'Enter a token, or open the page with #token=… in its address.';
  talk.disabled = reason !== '' || !known;
  listen.disabled = !known;
  listen.setAttribute('aria-pressed', String(wantsToListen));
  listen.textContent = wantsToListen ? 'Stop listening' : 'Listen';
}

async function lookForMicrophone() {
  if (navigator.mediaDevices?.enumerateDevices) {
    const devices = await navigator.mediaDevices.enumerateDevices();
    microphone = devices.some((device) => device.kind === 'audioinput') ? 'there' : 'missing';
  }
  try {
    const permission = await navigator.permissions.query({name: 'microphone'});
    microphone = permission.state === 'denied' && microphone !== 'missing' ? 'refused' : microphone;
    permission.onchange = lookForMicrophone;
  } catch {
    // Not every browser tells; then getUserMedia does.
  }
  showWhatCanBeDone();
}

async function openMicrophone() {
  try {
    return await navigator.mediaDevices.getUserMedia({audio: true});
  } catch (error) {
    microphone = error.name === 'NotFoundError' ? 'missing' : 'refused';
    showWhatCanBeDone();
    throw new Refusal(whyNotTalk(), 0);
  }
}

async function beginTalking() {
  const mine = {session: null, stream: null};
  talking = mine;
  talk.classList.add('live');
  talk.textContent = 'Connecting…';
  try {
    mine.stream = await openMicrophone();
    if (!held || talking !== mine) {
      endTalking(mine);
      return;
    }
    mine.session = new Session('whip', currentToken(), (state) => followTalking(mine, state));
    mine.session.pc.addTransceiver(mine.stream.getAudioTracks()[0],
      {direction: 'sendonly', streams: [mine.stream]});
    await mine.session.start();
  } catch (error) {
    endTalking(mine);
    tell('error', error instanceof Refusal ? error.message : 'The server cannot be reached.');
  }
}

function followTalking(mine, state) {
  if (mine !== talking) {
    return;
  }
  if (state === 'connected') {
    sound.muted = true; // else the microphone hears what it said
    talk.textContent = 'Speak now';
    tell('talking', 'On air.');
  } else if (state === 'over') {
    endTalking(mine);
    tell('error', 'The connection has ended.');
  }
}

function endTalking(mine) {
  mine.session?.stop();
  mine.stream?.getTracks().forEach((track) => track.stop());
  if (mine === talking) {
    talking = null;
    sound.muted = false;
    talk.classList.remove('live');
    talk.textContent = 'Hold to talk';
    tell(listening ? 'listening' : 'idle', listening ? 'Listening.' : 'Not connected.');
  }
}

function press() {
  if (!held && talking === null && !talk.disabled) {
    held = true;
    beginTalking();
  }
}

function letGo() {
  const mine = talking;
  if (held && mine !== null) {
    setTimeout(() => endTalking(mine), mine.session === null ? 0 : LAST_WORDS_MS);
  }
  held = false;
}

talk.addEventListener('pointerdown', (event) => {
  talk.setPointerCapture(event.pointerId);
  press();
});
talk.addEventListener('pointerup', letGo);
talk.addEventListener('pointercancel', letGo);
talk.addEventListener('contextmenu', (event) => event.preventDefault()); // a long touch
talk.addEventListener('blur', letGo);
talk.addEventListener('keydown', (event) => {
  if (event.key === ' ' || event.key === 'Enter') {
    event.preventDefault();
    press();
  }
});
talk.addEventListener('keyup', letGo);

// ---- level and statistics ----

let before = null; // the last second's inbound-rtp

function showLevel(linear) {
  element('level').value = linear > 0 ? Math.max(-60, 20 * Math.log10(linear)) : -60;
}

async function findStats(session) {
  const found = {};
  if (session && !session.over) {
    (await session.pc.getStats()).forEach((entry) => {
      if (entry.type === 'inbound-rtp' || entry.type === 'media-source') {
        found.audio = entry;
      } else if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') {
        found.pair = entry;
      }
    });
  }
  return found;
}

// Of the last second: W3C webrtc-stats counts from the beginning.
function describe(audio, pair) {
  const since = (name) => (audio[name] ?? 0) - (before?.[name] ?? 0);
  const percent = (part, whole) => (whole > 0 ? 100 * part / whole : 0).toFixed(1);
  const emitted = since('jitterBufferEmittedCount');
  const delay = emitted > 0 ? (1000 * since('jitterBufferDelay') / emitted).toFixed(0) : '–';
  const lost = Math.max(0, since('packetsLost'));
  const concealed = percent(since('concealedSamples'), since('totalSamplesReceived'));
  const rtt = pair?.currentRoundTripTime === undefined ? '–' : (1000 * pair.currentRoundTripTime).toFixed(1);
  return `Buffer ${delay} ms · concealed ${concealed} % · lost ${percent(lost, lost + since('packetsReceived'))} %` +
    ` · RTT ${rtt} ms`;
}

// The level of whom one hears at this moment, oneself before others; the statistics of listening.
async function look() {
  const {audio, pair} = await findStats(listening);
  const own = await findStats(talking?.session);
  showLevel((own.audio ?? audio)?.audioLevel ?? 0);
  if (!audio) {
    element('stats').textContent = '\u00a0';
    before = null;
  } else if (audio.timestamp - (before?.timestamp ?? 0) >= STATS_MS) {
    element('stats').textContent = describe(audio, pair);
    before = audio;
  }
}

setInterval(look, LEVEL_MS);

// ---- the beginning and the end ----

window.addEventListener('hashchange', takeToken);
window.addEventListener('online', () => {
  listening?.restart();
  talking?.session?.restart();
});
window.addEventListener('pagehide', () => {
  wantsToListen = false;
  endListening();
  if (talking !== null) {
    endTalking(talking);
  }
  showWhatCanBeDone();
});
navigator.mediaDevices?.addEventListener?.('devicechange', lookForMicrophone);
takeToken();
lookForMicrophone();
