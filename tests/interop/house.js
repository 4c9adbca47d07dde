// SPDX-License-Identifier: MIT
// pa-send and pa-recv in a folder of their own: started, waited for by condition, stopped by their
// ids. The environment names them: PA_SEND, PA_RECV, HEAR_TONE; and, where it is not loopback, the
// ADDRESS of this host.
import {spawn, spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {setTimeout as pause} from 'node:timers/promises';

const LOOK_AGAIN_MS = 50;
const ADDRESS = process.env.ADDRESS ?? '127.0.0.1';

/** Look again and again until condition() gives something true, and return that. */
export async function waitUntil(what, seconds, condition) {
  const deadline = performance.now() + 1000 * seconds;
  for (;;) {
    const result = await condition();
    if (result) {
      return result;
    }
    if (performance.now() > deadline) {
      throw new Error(`in vain, for ${seconds} s: ${what}`);
    }
    await pause(LOOK_AGAIN_MS);
  }
}

// A program with its log, its last JSON object and its end.
class Program {
  constructor(file, args) {
    this.name = file.split('/').pop();
    this.log = '';
    this.last = {};
    this.child = spawn(file, args, {stdio: ['ignore', 'pipe', 'pipe']});
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.log += text;
    });
    createInterface({input: this.child.stdout}).on('line', (line) => {
      this.last = JSON.parse(line);
    });
  }

  get ended() {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async stop() {
    this.child.kill('SIGTERM');
    await waitUntil(`${this.name} ends on SIGTERM`, 5, () => this.ended);
    if (this.child.exitCode !== 0) {
      throw new Error(`${this.name} has ended with ${this.child.exitCode ?? this.child.signalCode}`);
    }
  }

  async reaches(what, seconds, condition) {
    await waitUntil(`${this.name}: ${what}; last ${JSON.stringify(this.last)}`, seconds, () => {
      if (this.ended) {
        throw new Error(`${this.name} has ended`);
      }
      return condition(this.last);
    });
  }
}

export class House {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'pa-interop-'));
    this.programs = [];
    this.servers = [];
    process.once('exit', () => this.clear());
  }

  path(name) {
    return join(this.folder, name);
  }

  start(file, args) {
    const program = new Program(file, args);
    this.programs.push(program);
    return program;
  }

  /** A pa-send on free ports: its url, and the token of each role. */
  async startSender(...args) {
    const state = this.path(`send-${this.programs.length}`);
    const sender = this.start(process.env.PA_SEND, ['--listen', `${ADDRESS}:0`, '--udp-port', '0',
      '--state-dir', state, '--json', '--stats', '0.1', ...args]);
    await sender.reaches('ready', 10, () => sender.log.includes('\ntokens'));
    sender.url = sender.log.match(/ on (https?:\/\/[^/]*)/)[1];
    sender.pin = sender.log.match(/ --pin (\S+)/)?.[1];
    const lines = readFileSync(join(state, 'tokens'), 'utf8').trim().split('\n');
    sender.tokens = Object.fromEntries(lines.map((line) => line.split(' ')));
    return sender;
  }

  /** A pa-recv that records, and that plays already. */
  async startRecorder(wav, server, token, ...args) {
    writeFileSync(`${wav}.token`, `${token}\n`, { mode: 0o600 });
    const receiver = this.start(process.env.PA_RECV, ['--server', server, '--token-file', `${wav}.token`,
      '--gain-db', '0', '--json', '--state-dir', `${wav}.state`, '--wav', wav, '--latency-ms', '200',
      ...args]);
    await receiver.reaches('plays', 10, (last) => last.state === 'playing');
    return receiver;
  }

  /** A web server of loopback; answer(request, body) gives {status, headers, body}. What was asked of it
   *  stands in server.requests. */
  async serve(answer) {
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) {
        body += chunk;
      }
      server.requests.push(`${request.method} ${request.url}${body.includes('a=ice-lite') ? ' lite' : ''}`);
      const {status, headers, body: text} = await answer(request, body);
      response.writeHead(status, headers).end(text);
    });
    server.requests = [];
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    server.url = `http://127.0.0.1:${server.address().port}`;
    this.servers.push(server);
    return server;
  }

  async stopAll() {
    for (const program of this.programs.splice(0).reverse()) {
      await program.stop();
    }
    this.closeServers();
  }

  closeServers() {
    for (const server of this.servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  }

  clear() {
    for (const program of this.programs) {
      program.child.kill('SIGKILL');
    }
    this.closeServers();
    rmSync(this.folder, {recursive: true, force: true});
  }
}

/** For how many seconds a tone sounds in a recording must be from least to most. */
export function hearTone(wav, hz, least, most) {
  const heard = spawnSync(process.env.HEAR_TONE, [wav, hz, least, most].map(String), {encoding: 'utf8'});
  console.log(heard.stdout.trim());
  if (heard.status !== 0) {
    throw new Error(`${hz} Hz is not heard for ${least} to ${most} s`);
  }
}

/** Write WAV, 48 kHz; sampleAt(second, channel) from -1 to 1. */
export function writeWav(file, channels, seconds, sampleAt) {
  const frames = 48000 * seconds;
  const bytes = Buffer.alloc(44 + frames * channels * 2);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(48000, 24);
  bytes.writeUInt32LE(48000 * channels * 2, 28);
  bytes.writeUInt16LE(channels * 2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(bytes.length - 44, 40);
  for (let i = 0; i < frames * channels; i++) {
    const sample = sampleAt(Math.floor(i / channels) / 48000, i % channels);
    bytes.writeInt16LE(Math.round(32767 * sample), 44 + 2 * i);
  }
  writeFileSync(file, bytes);
}

export function sine(hz, second) {
  return Math.sin(2 * Math.PI * hz * second);
}

/** Run a test: every program is told off at its end, and shows its log when it has failed. */
export async function runTest(test) {
  const house = new House();
  try {
    await test(house);
    await house.stopAll();
  } catch (error) {
    console.error('FAILED:', error);
    for (const program of house.programs) {
      console.error(`--- ${program.name}\n${program.log.split('\n').slice(-20).join('\n')}`);
    }
    process.exitCode = 1;
  } finally {
    house.clear();
  }
}
