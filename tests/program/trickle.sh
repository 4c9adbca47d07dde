#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Addresses that pa-recv gets during a session are told by PATCH with the session's ETag as it came
# (RFC 9725 section 4.3.2), those that come before the answer right behind it; who takes no PATCH is
# played on. In a network namespace, where loopback gets more addresses.
. "$(dirname "$0")/lib.sh"

alone=paw-trickle-$$

undo() {
  ip netns delete "$alone" 2> /dev/null || true
}

ip netns add "$alone"
ip -n "$alone" link set lo up
inside=(ip netns exec "$alone")

sdp='v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
a=setup:passive
a=rtpmap:111 opus/48000/2'
body=$(printf '%s\n' "$sdp" | sed 's/$/\r/'; printf x)
body=${body%x}
{ printf 'HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Type: application/sdp\r\nETag: W/"1 %%x*"\r\n'
  printf 'Location: 17\r\nContent-Length: %d\r\n\r\n%s' "${#body}" "$body"; } > "$work/created.http"
printf 'HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' > "$work/no.http"

"${inside[@]}" "$ANSWERING_MACHINE" -b "$work/bodies" "$work/created.http" "$work/no.http" > "$work/requests" &
machine=$!
started+=("$machine")
wait_until 5 'the machine listens' grep -qs '^port' "$work/requests"
kill -STOP "$machine"
echo 0123456789abcdef > "$work/token"
"${inside[@]}" "$PA_RECV" --server "http://127.0.0.1:$(sed -n 's/^port //p' "$work/requests")/live/whep" \
  --wav "$work/a.wav" --token-file "$work/token" --json --log debug > "$work/hall.json" 2> "$work/hall.log" &
receiver=$!
started+=("$receiver")

told() { # COUNT
  [ "$(grep -cFx 'PATCH /live/17 lite [application/trickle-ice-sdpfrag] [W/"1 %x*"] [Bearer 0123456789abcdef]' \
    "$work/requests")" -ge "$1" ]
}

# The offer is on its way.
wait_until 5 'it calls' value_is hall state calling
ip -n "$alone" address add 127.0.0.2/8 dev lo
wait_until 5 'time passes' value_above hall t_s 1.9
kill -CONT "$machine"
wait_until 5 'the address that came meanwhile is told' told 1
grep -q '^a=candidate:.* 127\.0\.0\.2 .* typ host' "$work/bodies" || fail 'without the address'
grep -q '^a=ice-ufrag:' "$work/bodies" && grep -q '^a=mid:0' "$work/bodies" || fail 'not a fragment'

# One more; that the server takes none is no reason to leave.
ip -n "$alone" address add 127.0.0.3/8 dev lo
wait_until 5 'one more address is told' told 2
grep -q '^a=candidate:.* 127\.0\.0\.3 .* typ host' "$work/bodies" || fail 'without the other address'
wait_until 5 'the session goes on' value_is hall state connecting
[ "$(grep -c '^POST' "$work/requests")" = 1 ] || fail "not: $(cat "$work/requests")"
stop "$receiver" || fail 'pa-recv has not ended well'
tail -n 1 "$work/requests" | grep -q '^DELETE /live/17 ' || fail 'the session is not deleted'
