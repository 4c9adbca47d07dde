// SPDX-License-Identifier: MIT
// Chromium on pa-send's own page, with instruments: connections are kept, offers can be changed on
// their way, the two channels of what sounds are analysed.
import assert from 'node:assert/strict';
import {monitorEventLoopDelay} from 'node:perf_hooks';

import {chromium, firefox} from 'playwright-core';

import {waitUntil} from './house.js';

const SAMPLES_PER_S = 48000;
const WARM_UP_S = 2;
const STRETCHES_MAX = 4;
const STARVED_MS = 20;
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--allow-loopback-in-peer-connection', '--autoplay-policy=no-user-gesture-required'];

/** @param microphone a WAV file that talks, over and over; none: there is no microphone
 *  @param args more words of Chromium's command line */
export async function openBrowser(microphone, ...args) {
  const voice = microphone === undefined ? []
    : ['--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${microphone}`];
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: [...ARGS, ...voice, ...args],
  });
  console.log(`Chromium ${browser.version()}`);
  return browser;
}

/** Firefox as it is, driven by WebDriver BiDi. Its microphone is a tone that Firefox makes itself. It
 *  takes no connection over loopback. */
export async function openFirefox() {
  const browser = await firefox.launch({
    channel: 'moz-firefox',
    executablePath: process.env.FIREFOX,
    firefoxUserPrefs: {
      'media.autoplay.default': 0,
      'media.navigator.permission.disabled': true,
      'media.navigator.streams.fake': true,
    },
  });
  console.log(`Firefox ${browser.version()}`);
  return browser;
}

// Runs in the page, before the page's own scripts.
function instrument({direction, hangsOn, setup}) {
  const plainFetch = window.fetch;
  const Plain = window.RTCPeerConnection;
  window.connections = [];
  window.RTCPeerConnection = class extends Plain {
    constructor(...args) {
      super(...args);
      window.connections.push(this);
    }

    addTransceiver(kind, init) {
      return super.addTransceiver(kind, direction ? {...init, direction} : init);
    }

    close() {
      if (!hangsOn) {
        super.close();
      }
    }
  };
  window.fetch = (url, init) => plainFetch(url, {
    ...init,
    body: setup ? init.body?.replaceAll('a=setup:actpass', `a=setup:${setup}`) : init.body,
  });
}

/** Open the page of a pa-send. direction and setup replace what the offer says; who hangs on never
 *  closes a connection, so that DELETE alone ends it; who is refused has no permission to use the
 *  microphone. */
export async function openPage(browser, sender, options = {}) {
  const {role = 'listener', direction, setup, hangsOn, refused} = options;
  const context = await browser.newContext({ignoreHTTPSErrors: true});
  const grants = sender.url.startsWith('https:') && browser.browserType().name() === 'chromium';
  if (grants) { // by HTTP there is nothing to grant, and Firefox has a preference
    await context.grantPermissions(refused ? [] : ['microphone'], {origin: sender.url});
  }
  const page = await context.newPage();
  page.requests = [];
  page.on('response', (response) => {
    page.requests.push(`${response.request().method()} ${response.status()}`);
  });
  page.on('pageerror', (error) => console.error('the page:', error));
  await page.addInitScript(instrument, {direction, hangsOn, setup});
  await page.goto(`${sender.url}/#token=${sender.tokens[role]}`);
  return page;
}

export async function closePage(page) {
  await page.close();
  await page.context().close();
}

/** Both descriptions and the transport of the newest connection. */
export function lookAtConnection(page) {
  return page.evaluate(async () => {
    const pc = window.connections.at(-1);
    const stats = [...(await pc.getStats()).values()];
    const transport = stats.find((entry) => entry.type === 'transport');
    return {
      state: pc.connectionState,
      signaling: pc.signalingState,
      offer: pc.localDescription?.sdp,
      answer: pc.remoteDescription?.sdp,
      dtlsRole: transport?.dtlsRole,
      iceRole: transport?.iceRole,
      selectedUfrag: transport?.iceLocalUsernameFragment,
    };
  });
}

export function getSamples(page) {
  return page.evaluate(async () => {
    const stats = [...(await window.connections.at(-1).getStats()).values()];
    const inbound = stats.find((entry) => entry.type === 'inbound-rtp');
    return {
      total: inbound?.totalSamplesReceived ?? 0,
      concealed: inbound?.concealedSamples ?? 0,
      lost: inbound?.packetsLost ?? 0,
    };
  });
}

/** Hold Talk, and wait until the page is on air. */
export async function holdTalk(page, sender) {
  await waitUntil('Talk can be pressed', 5, () => page.isEnabled('#talk'));
  await page.hover('#talk');
  await page.mouse.down();
  await waitUntil('the page is on air', 10,
    async () => await page.getAttribute('#state', 'data-state') === 'talking');
  await sender.reaches('somebody talks', 1, (last) => last.talkers === 1);
}

/** Talk on for so many seconds, and let go. */
export async function finishTalk(page, sender, seconds) {
  const {t_s: begin} = sender.last;
  await sender.reaches('he has talked', seconds + 5, (last) => last.t_s >= begin + seconds);
  await page.mouse.up();
  await sender.reaches('nobody talks', 3, (last) => last.talkers === 0);
}

/** Click Listen, and wait until sound has come for as long as the warm-up takes. */
export async function listen(page) {
  await page.click('#listen');
  await waitUntil('the page is connected', 10, () => page.evaluate(
    () => window.connections.at(-1)?.connectionState === 'connected'));
  await waitForSamples(page, await getSamples(page), WARM_UP_S);
}

function waitForSamples(page, before, seconds) {
  const wanted = before.total + seconds * SAMPLES_PER_S;
  return waitUntil(`${wanted} samples`, 2 * seconds + 20, async () => (await getSamples(page)).total >= wanted);
}

// The percentage of what is played from now on that was invented.
async function measureConcealment(page, seconds) {
  const before = await getSamples(page);
  await waitForSamples(page, before, seconds);
  const after = await getSamples(page);
  return 100 * (after.concealed - before.concealed) / (after.total - before.total);
}

/** Nowhere is more than percentMax invented in a stretch of so many seconds. A machine that is so
 *  busy that this process, too, is held up proves nothing: then the next stretch is asked. */
export async function assertWhole(pages, seconds, percentMax) {
  let worst = 100;
  let lateMs = Infinity;
  for (let stretch = 0; worst > percentMax && lateMs >= STARVED_MS && stretch < STRETCHES_MAX; stretch++) {
    const loop = monitorEventLoopDelay({resolution: 1});
    loop.enable();
    const percents = await Promise.all(pages.map((page) => measureConcealment(page, seconds)));
    loop.disable();
    lateMs = loop.max / 1e6;
    worst = Math.max(...percents);
    console.log(`  ${percents.map((percent) => percent.toFixed(2)).join(' ')} % concealed in ${seconds} s,` +
      ` timers up to ${lateMs.toFixed(0)} ms late`);
  }
  assert.ok(worst <= percentMax, `${worst.toFixed(2)} % concealed`);
}

/** Levels in dB: levels[channel][hz]. */
function getLevels(page, tones) {
  return page.evaluate(async (wanted) => {
    const context = new AudioContext({sampleRate: 48000});
    const source = context.createMediaStreamSource(document.querySelector('audio').srcObject);
    const splitter = context.createChannelSplitter(2);
    source.connect(splitter);
    const analysers = [0, 1].map((channel) => {
      const analyser = new AnalyserNode(context, {fftSize: 8192, smoothingTimeConstant: 0});
      splitter.connect(analyser, channel);
      return analyser;
    });
    await context.resume();
    // Twice the window: what is analysed lies wholly behind the beginning.
    while (context.currentTime < 2 * 8192 / 48000) {
      await new Promise(requestAnimationFrame);
    }
    const levels = analysers.map((analyser) => {
      const spectrum = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(spectrum);
      return Object.fromEntries(wanted.map((hz) => [hz, spectrum[Math.round(hz * 8192 / 48000)]]));
    });
    await context.close();
    return levels;
  }, tones);
}

/** The tones are heard on their own channels: 20 dB above the other's. */
export async function assertStereo(page, leftHz, rightHz) {
  const [left, right] = await getLevels(page, [leftHz, rightHz]);
  const text = JSON.stringify({left, right});
  assert.ok(left[leftHz] > -50 && right[rightHz] > -50, `silence: ${text}`);
  assert.ok(left[leftHz] - left[rightHz] > 20, `not stereo: ${text}`);
  assert.ok(right[rightHz] - right[leftHz] > 20, `not stereo: ${text}`);
}
