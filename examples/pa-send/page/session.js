// SPDX-License-Identifier: MIT
// A session of WHEP or WHIP: POST of the offer, candidates by PATCH as they come, ICE restart by PATCH
// when the way is lost or another network is there, DELETE at the end.
'use strict';

// Why there is no session: for people, and whether to try again.
class Refusal extends Error {
  constructor(text, retryS) {
    super(text);
    this.retryS = retryS; // 0: no use
  }
}

function refusalOf(response) {
  const retryS = Number.parseInt(response.headers.get('Retry-After') ?? '', 10) || 5;
  switch (response.status) {
  case 401:
    return new Refusal('This token is not known here.', 0);
  case 403:
    return new Refusal('This token is not for that: its role is another.', 0);
  case 409:
    return new Refusal('Nothing is playing.', retryS);
  case 429:
    return new Refusal('Too many ask at once.', retryS);
  case 503:
    return new Refusal('The server is full.', retryS);
  default:
    return new Refusal(`The server refused (${response.status}).`, response.status >= 500 ? retryS : 0);
  }
}

// RFC 8840 section 9: the description's credentials, and candidates under a media line.
function fragmentOf(description, candidates) {
  const line = (name) => description.match(new RegExp(`^a=${name}:.*$`, 'm'))?.[0].trim();
  const lines = [line('ice-ufrag'), line('ice-pwd'), 'm=audio 9 UDP/TLS/RTP/SAVPF 0', line('mid')];
  for (const candidate of candidates) {
    lines.push(candidate === null ? 'a=end-of-candidates' : `a=${candidate}`);
  }
  return `${lines.filter(Boolean).join('\r\n')}\r\n`;
}

// The answer after a restart of ICE: the fragment's credentials and candidates in place of the old ones.
function renewAnswer(answer, fragment) {
  const lines = (name) => fragment.match(new RegExp(`^a=${name}:.*$`, 'gm')) ?? [];
  const renewed = ['ice-ufrag', 'ice-pwd'].reduce((sdp, name) =>
    sdp.replace(new RegExp(`^a=${name}:.*$`, 'm'), lines(name)[0]), answer);
  const bare = renewed.replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, '');
  return bare + lines('candidate').map((line) => `${line.trim()}\r\n`).join('');
}

class Session {
  // changed(state): 'connected', 'disconnected' or 'over'
  constructor(path, token, changed) {
    this.path = path;
    this.token = token;
    this.changed = changed;
    this.url = null;
    this.etag = null;
    this.waiting = []; // candidates not sent yet
    this.patches = Promise.resolve();
    this.trickles = true;
    this.over = false;
    this.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
    this.pc.onicecandidate = (event) => this.addCandidate(event.candidate);
    this.pc.onconnectionstatechange = () => this.follow(this.pc.connectionState);
  }

  request(method, url, headers, body, more) {
    return fetch(url, {
      method,
      headers: {Authorization: `Bearer ${this.token}`, ...headers},
      body,
      credentials: 'omit',
      cache: 'no-store',
      ...more,
    });
  }

  // Chromium decodes stereo only when its own description says so.
  async offer(options) {
    const offer = await this.pc.createOffer(options);
    const sdp = offer.sdp.replaceAll('useinbandfec=1', 'useinbandfec=1;stereo=1');
    await this.pc.setLocalDescription({type: 'offer', sdp});
    return sdp;
  }

  async start() {
    const sdp = await this.offer();
    const response = await this.request('POST', this.path, {'Content-Type': 'application/sdp'}, sdp);
    if (response.status !== 201) {
      throw refusalOf(response);
    }
    this.url = new URL(response.headers.get('Location'), response.url).href;
    this.etag = response.headers.get('ETag');
    const answer = await response.text();
    if (this.over) {
      this.remove({});
      return;
    }
    await this.pc.setRemoteDescription({type: 'answer', sdp: answer});
    this.watchFarewell();
    this.sendCandidates();
  }

  addCandidate(candidate) {
    this.waiting.push(candidate?.candidate ? candidate.candidate : null);
    this.sendCandidates();
  }

  patch(ifMatch, candidates) {
    const body = fragmentOf(this.pc.localDescription.sdp, candidates);
    return this.request('PATCH', this.url,
      {'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': ifMatch}, body);
  }

  // One PATCH after the other: candidates belong to the credentials that went before them.
  enqueue(act) {
    this.patches = this.patches.then(() => (this.url === null || this.over ? null : act()))
      .catch(() => {}); // the server learns peer-reflexive candidates too
  }

  sendCandidates() {
    if (this.url === null) {
      return;
    }
    this.enqueue(async () => {
      const candidates = this.waiting.splice(0);
      if (candidates.length > 0 && this.trickles) {
        const response = await this.patch(this.etag ?? '*', candidates);
        this.trickles = response.ok;
      }
    });
  }

  // RFC 9725 section 4.3.3: new credentials both ways, and the keys stay. Where that fails the old
  // ones stay too, and the session is made anew when they are of no more use.
  restart() {
    this.enqueue(async () => {
      await this.offer({iceRestart: true});
      try {
        const response = await this.patch('*', []);
        if (!response.ok) {
          throw refusalOf(response);
        }
        this.etag = response.headers.get('ETag');
        const sdp = renewAnswer(this.pc.currentRemoteDescription.sdp, await response.text());
        await this.pc.setRemoteDescription({type: 'answer', sdp});
      } catch (error) {
        this.waiting = [];
        await this.pc.setLocalDescription({type: 'rollback'});
        throw error;
      }
    });
  }

  // The server's close_notify shows in the DTLS transport at once, in the connection seconds later.
  watchFarewell() {
    const [transceiver] = this.pc.getTransceivers();
    const transport = transceiver.receiver.transport ?? transceiver.sender.transport;
    transport?.addEventListener('statechange', () => {
      if (transport.state === 'closed' || transport.state === 'failed') {
        this.follow('closed');
      }
    });
  }

  follow(state) {
    if (this.over) {
      return;
    }
    if (state === 'failed' || state === 'closed') {
      this.stop();
      this.changed('over');
    } else if (state === 'connected' || state === 'disconnected') {
      this.changed(state);
    }
    if (state === 'disconnected') {
      this.restart();
    }
  }

  remove(more) {
    if (this.url !== null) {
      this.request('DELETE', this.url, {}, undefined, more).catch(() => {});
      this.url = null;
    }
  }

  // Also while the page goes away: keepalive lets the request outlive it.
  stop() {
    if (!this.over) {
      this.over = true;
      this.remove({keepalive: true});
      this.pc.close();
    }
  }
}
