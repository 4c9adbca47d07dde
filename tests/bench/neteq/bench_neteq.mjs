// SPDX-License-Identifier: MIT
// The same pa-send is heard at the same time by Chromium, whose NetEQ is the measure of things, and
// by pa-recv, both through one relay that does the same to both at the same time. Prints how much
// each made up and how long its buffer held what came: one JSON object a run, and a table. README.md
// of this folder says what the figures are, and are not. The last words of the command line, after
// `--`, are given to pa-recv.
import assert from 'node:assert/strict';
import {copyFileSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {monitorEventLoopDelay} from 'node:perf_hooks';
import {parseArgs} from 'node:util';

import {closePage, openBrowser, openPage} from '../../interop/browser.js';
import {runTest, waitUntil} from '../../interop/house.js';
import {Way} from './way.mjs';

// Debian's alsa-utils: 8 announcements by one voice, 48 kHz, one channel.
const SPEECH = ['Front_Center', 'Front_Left', 'Front_Right', 'Rear_Center', 'Rear_Left', 'Rear_Right',
  'Side_Left', 'Side_Right'].map((name) => `/usr/share/sounds/alsa/${name}.wav`);
const HEADER_BYTES = 44;
// The WAV output takes 10 ms at their end: on average 5 ms after the time that they are played at.
const WAV_LAG_MS = 5;
// The relay's counts are up to 0.2 s old when they are held against those of the ends: 10 packets of
// 20 ms, or 40 of 5 ms, and as many again that were asked for.
const UNDER_WAY_MAX = 80;

const burst = (percent) => ['--loss', String(percent), '--burst-ms', '40'];
const SCENARIOS = {
  'loss 0 %': {relay: burst(0), seeds: 1},
  'loss 5 %': {relay: burst(5), seeds: 1},
  'loss 10 %': {relay: burst(10), seeds: 5},
  'loss 20 %': {relay: burst(20), seeds: 1},
  'bunched': {relay: ['--trace', 'bunched', '--loss', '0.12'], seeds: 1},
};
// Each way: a round trip of 4 ms, as is usual in a house.
const DELAY_MS = 2;

const OPTIONS = {
  'seconds': {type: 'string', default: '30'},
  'warm-up': {type: 'string', default: '5'},
  'frame-ms': {type: 'string', default: '20'},
  'only': {type: 'string'}, // part of a scenario's name
  'seeds': {type: 'string'}, // as many, for each scenario
  'keep': {type: 'string'}, // a folder for what pa-recv has recorded
  'json': {type: 'string'}, // a file for the objects
};

function refuse(text) {
  console.error(`bench_neteq: ${text}`);
  process.exit(2);
}

function readCommandLine() {
  try {
    return parseArgs({allowPositionals: true, options: OPTIONS});
  } catch (error) {
    return refuse(error.message.split('. ')[0]);
  }
}

const {values: options, positionals: receiverOptions} = readCommandLine();
for (const name of ['seconds', 'warm-up', 'frame-ms', 'seeds']) {
  if (options[name] !== undefined && !(Number(options[name]) > 0)) {
    refuse(`--${name} ${options[name]}: not a number above 0`);
  }
}
if (!Object.keys(SCENARIOS).some((name) => name.includes(options.only ?? ''))) {
  refuse(`--only ${options.only}: none of ${Object.keys(SCENARIOS).join(', ')}`);
}
for (const name of ['PA_SEND', 'PA_RECV', 'RELAY', 'CHROMIUM']) {
  if (!process.env[name]) {
    refuse(`${name} is not in the environment; README.md says what is`);
  }
}

function writeSpeech(file) {
  const parts = SPEECH.map((name) => readFileSync(name));
  for (const [i, part] of parts.entries()) {
    assert.equal(part.toString('latin1', 36, 40), 'data', `${SPEECH[i]} has an unusual header`);
  }
  const samples = Buffer.concat(parts.map((part) => part.subarray(HEADER_BYTES)));
  const header = Buffer.from(parts[0].subarray(0, HEADER_BYTES));
  header.writeUInt32LE(HEADER_BYTES + samples.length - 8, 4);
  header.writeUInt32LE(samples.length, 40);
  writeFileSync(file, Buffer.concat([header, samples]));
}

function lookAtPage(page) {
  return page.evaluate(async () => {
    const stats = [...(await window.connections.at(-1).getStats()).values()];
    const transport = stats.find((entry) => entry.type === 'transport');
    const pair = stats.find((entry) => entry.id === transport?.selectedCandidatePairId);
    const find = (id) => stats.find((entry) => entry.id === id);
    return {
      ...stats.find((entry) => entry.type === 'inbound-rtp'),
      // As pa-send sees it: a peer-reflexive candidate has the port of the relay's socket upstream.
      mappedPort: find(pair?.localCandidateId)?.port,
      remotePort: find(pair?.remoteCandidateId)?.port,
    };
  });
}

// All objects of pa-recv for so long, beginning with the next one.
async function collectObjects(receiver, seconds, atFirst) {
  const objects = [];
  let {t_s: seen} = receiver.last;
  await receiver.reaches(`${seconds} s are measured`, 2 * seconds + 10, async (last) => {
    if (last.t_s === seen) {
      return false;
    }
    seen = last.t_s;
    objects.push(last);
    if (objects.length === 1) {
      await atFirst();
    }
    return last.t_s >= objects[0].t_s + seconds - 0.5;
  });
  return objects;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function figuresOfChromium(before, after) {
  const delta = (name) => after[name] - before[name];
  return {
    concealed_pct: 100 * delta('concealedSamples') / delta('totalSamplesReceived'),
    delay_ms: 1000 * delta('jitterBufferDelay') / delta('jitterBufferEmittedCount'),
    target_ms: 1000 * delta('jitterBufferTargetDelay') / delta('jitterBufferEmittedCount'),
    seconds: delta('totalSamplesReceived') / 48000,
    nacks: delta('nackCount'),
    stretched_pct: 100 * (delta('insertedSamplesForDeceleration') + delta('removedSamplesForAcceleration'))
      / delta('totalSamplesReceived'),
  };
}

function figuresOfReceiver(objects) {
  const [first, last] = [objects[0], objects.at(-1)];
  const seconds = last.t_s - first.t_s;
  const delays = objects.slice(1).map((object) => object.jitter_buffer_delay_ms ?? object.delay_ms)
    .filter((delay) => delay !== null);
  return {
    concealed_pct: 100 * (last.concealed_ms - first.concealed_ms) / (1000 * seconds),
    delay_ms: mean(delays) + WAV_LAG_MS,
    target_ms: mean(objects.map((object) => object.target_ms)),
    seconds,
    nacks: last.nacks - first.nacks,
    recovered: last.recovered_nack + last.recovered_red + last.recovered_fec + last.recovered_late
      - first.recovered_nack - first.recovered_red - first.recovered_fec - first.recovered_late,
  };
}

// Nothing came by another way.
function assertAllWentThrough(way, chromium, receiver) {
  assert.equal(chromium.remotePort, way.port, 'Chromium knows another way');
  const relayed = {
    'Chromium': [way.client(chromium.mappedPort), chromium.packetsReceived],
    'pa-recv': [way.otherClient(chromium.mappedPort), receiver.last.packets],
  };
  for (const [name, [client, packets]] of Object.entries(relayed)) {
    const passed = client?.down.passed_rtp ?? 0;
    assert.ok(passed > 0 && packets < passed + UNDER_WAY_MAX,
      `${name} has got ${packets} packets, the relay has passed on ${passed}`);
  }
}

// What was sent for the first time and did not arrive, and how much was sent again.
function figuresOfWay(after, before) {
  const delta = (name) => after.down[name] - before.down[name];
  return {
    lost_pct: 100 * delta('first_rtp_lost') / delta('first_rtp'),
    again_pct: 100 * (delta('received_rtp') - delta('first_rtp')) / delta('first_rtp'),
  };
}

async function measure(way, page, receiver) {
  const seconds = Number(options.seconds);
  const loop = monitorEventLoopDelay({resolution: 1});
  let before;
  let countsBefore;
  loop.enable();
  const objects = await collectObjects(receiver, seconds, async () => {
    before = await lookAtPage(page);
    countsBefore = [way.client(before.mappedPort), way.otherClient(before.mappedPort)];
  });
  const after = await lookAtPage(page);
  loop.disable();
  assertAllWentThrough(way, after, receiver);
  const counts = [way.client(before.mappedPort), way.otherClient(before.mappedPort)];
  return {
    chromium: {...figuresOfWay(counts[0], countsBefore[0]), ...figuresOfChromium(before, after)},
    pa_recv: {...figuresOfWay(counts[1], countsBefore[1]), ...figuresOfReceiver(objects)},
    timers_late_ms: loop.max / 1e6,
  };
}

async function startReceiver(house, way, wav) {
  writeFileSync(`${wav}.token`, `${way.sender.tokens.listener}\n`, { mode: 0o600 });
  const receiver = house.start(process.env.PA_RECV, ['--server', `${way.server.url}/whep`, '--token-file',
    `${wav}.token`, '--gain-db', '0', '--json', '--state-dir', `${wav}.state`, '--wav', wav, '--ice', 'full',
    ...receiverOptions]);
  await receiver.reaches('plays', 20, (last) => last.state === 'playing');
  return receiver;
}

async function listenThrough(browser, way) {
  const page = await openPage(browser, way.sender);
  await way.lead(page);
  await page.click('#listen');
  await waitUntil('the page is connected', 20, () => page.evaluate(
    () => window.connections.at(-1)?.connectionState === 'connected'));
  return page;
}

async function runOnce(house, browser, name, seed) {
  const wav = house.path(`${name.replace(/\W+/g, '_')}-${seed}.wav`);
  const way = await Way.open(house, house.path('speech.wav'),
    ['--seed', String(seed), '--delay-ms', String(DELAY_MS), ...SCENARIOS[name].relay],
    ['--frame-ms', options['frame-ms']]);
  const [page, receiver] = await Promise.all([listenThrough(browser, way), startReceiver(house, way, wav)]);
  const {t_s: begin} = receiver.last;
  await receiver.reaches('is warm', 30, (last) => last.t_s >= begin + Number(options['warm-up']));
  const figures = await measure(way, page, receiver);
  await closePage(page);
  await house.stopAll();
  if (options.keep !== undefined) {
    mkdirSync(options.keep, {recursive: true});
    copyFileSync(wav, `${options.keep}/${wav.split('/').pop()}`);
  }
  return {scenario: name, seed, ...figures};
}

function row(name, runs) {
  const of = (who, what) => mean(runs.map((run) => run[who][what]));
  const cells = [name, String(runs.length > 1 ? 'mean' : runs[0].seed)];
  for (const [what, digits] of [['lost_pct', 1], ['again_pct', 1], ['concealed_pct', 2], ['delay_ms', 1]]) {
    cells.push(['chromium', 'pa_recv'].map((who) => of(who, what).toFixed(digits)).join(' / '));
  }
  return `| ${cells.join(' | ')} |`;
}

function printTable(runs) {
  console.log('Chromium / pa-recv');
  console.log('| path | seed | lost % | sent again % | concealed % | mean delay ms |');
  console.log('|---|---|---|---|---|---|');
  for (const name of Object.keys(SCENARIOS)) {
    const own = runs.filter((run) => run.scenario === name);
    own.forEach((run) => console.log(row(name, [run])));
    if (own.length > 1) {
      console.log(row(name, own));
    }
  }
}

await runTest(async (house) => {
  writeSpeech(house.path('speech.wav'));
  const browser = await openBrowser();
  const runs = [];
  try {
    for (const [name, {seeds}] of Object.entries(SCENARIOS)) {
      for (let seed = 1; seed <= Number(options.seeds ?? seeds); seed++) {
        if (options.only === undefined || name.includes(options.only)) {
          runs.push(await runOnce(house, browser, name, seed));
          console.log(JSON.stringify(runs.at(-1)));
        }
      }
    }
  } finally {
    await browser.close();
  }
  if (options.json !== undefined) {
    writeFileSync(options.json, runs.map((run) => `${JSON.stringify(run)}\n`).join(''));
  }
  printTable(runs);
});
