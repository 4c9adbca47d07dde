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

write_created "$work/created.http" 'a=extmap-allow-mixed' 'ETag: W/"1 %x*"' 'Location: 17'
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
