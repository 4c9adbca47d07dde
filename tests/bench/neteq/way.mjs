// SPDX-License-Identifier: MIT
// pa-send with a relay before it, and no other way to it: whoever offers is told the relay's address
// alone, and pa-send, which is lite and is told no address at all, never looks for another.
const CANDIDATE = /^a=(candidate:.*|end-of-candidates)\r?\n/gm;

export function withoutCandidates(sdp) {
  return sdp.replace(CANDIDATE, '');
}

/** The description with one candidate: this port of loopback. */
function pointTo(sdp, port) {
  const bare = withoutCandidates(sdp).replace(/\r?\n$/, '\r\n');
  return `${bare}a=candidate:1 1 udp 2130706431 127.0.0.1 ${port} typ host\r\na=end-of-candidates\r\n`;
}

export class Way {
  /** Start both; the relay's options say how bad it is. */
  static async open(house, source, relayOptions, senderOptions) {
    const way = new Way();
    way.sender = await house.startSender('--insecure-http', '--ice', 'lite', '--address', '127.0.0.1',
      '--loop', ...senderOptions, source);
    const [, port] = way.sender.log.match(/ UDP port (\d+)/);
    way.relay = house.start(process.env.RELAY, ['--to', `127.0.0.1:${port}`, '--stats', '0.2', ...relayOptions]);
    await way.relay.reaches('listens', 5, (last) => last.listen > 0);
    way.port = way.relay.last.listen;
    way.server = await house.serve((request, body) => way.answer(request, body));
    return way;
  }

  /** What pa-send answers to a request of WHEP, on its way through here. */
  async answer(request, body) {
    if (request.method === 'PATCH') {
      return {status: 405, headers: {}, body: ''}; // no candidates later either
    }
    const {authorization, 'content-type': type} = request.headers;
    const response = await fetch(this.sender.url + request.url, {
      method: request.method,
      headers: {...(authorization && {authorization}), ...(type && {'content-type': type})},
      body: request.method === 'POST' ? withoutCandidates(body) : undefined,
    });
    const text = await response.text();
    const headers = Object.fromEntries(['content-type', 'location', 'etag', 'retry-after']
      .filter((name) => response.headers.has(name))
      .map((name) => [name, response.headers.get(name)]));
    return {status: response.status, headers, body: response.status === 201 ? pointTo(text, this.port) : text};
  }

  /** A page of pa-send asks through here too. */
  async lead(page) {
    await page.route(/\/whep(\/[^/]*)?$/, async (route) => {
      const request = route.request();
      if (request.method() === 'GET') {
        await route.continue(); // the farewell's events
        return;
      }
      const {status, headers, body} = await this.answer(
        {method: request.method(), url: new URL(request.url()).pathname, headers: await request.allHeaders()},
        request.postData() ?? '');
      await route.fulfill({status, headers, body});
    });
  }

  /** What the relay has counted for the client that pa-send takes to be on this port. */
  client(port) {
    return this.relay.last.clients.find(({upstream}) => upstream === port);
  }

  /** The client with the most media besides that one. */
  otherClient(port) {
    return this.relay.last.clients.filter(({upstream}) => upstream !== port)
      .sort((a, b) => b.down.received_rtp - a.down.received_rtp)[0];
  }
}
