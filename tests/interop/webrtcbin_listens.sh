#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# GStreamer's webrtcbin listens to pa-send by WHEP: the tone arrives, as loud as it was, unbroken;
# when it leaves, its session is gone; what it loses comes again by RTX.
. "$(dirname "$0")/../program/lib.sh"

sender_has() { # NAME COUNT
  [ "$(grep '}$' "$work/$1.out" | tail -n 1 | jq .peers)" = "$2" ]
}

# Starts a pa-send and who listens to it, by names.
declare -A senders listeners
listen() { # NAME ICE [rtx]
  start_sender "$1" --listen 127.0.0.1:0 --ice "$2" --json tone:440
  senders[$1]=$sender
  timeout -k 1 40 "$WEBRTCBIN_LISTEN" "https://$server/whep" "$pin" "$(cat "$token")" \
    "$work/$1.wav" 6 "${@:3}" 2> "$work/$1-listen.log" &
  listeners[$1]=$!
  started+=("$!")
}

# All at once, for it takes six seconds each.
listen lite lite
listen full full
listen rtx auto rtx

for ice in lite full; do
  wait "${listeners[$ice]}" || fail "$ice: webrtcbin has not heard enough"
  "$CHECK_TONE" "$work/$ice.wav" 440 -12 5 || fail "$ice: webrtcbin has not heard the tone"
  # The check can fail.
  for other in '480 -12' '440 -15'; do
    # shellcheck disable=SC2086
    ! "$CHECK_TONE" "$work/$ice.wav" $other 1 > /dev/null || fail "$other: taken for the tone"
  done
  wait_until 5 "$ice: the session is gone" sender_has "$ice" 0
  stop "${senders[$ice]}" || fail "$ice: pa-send has not ended well"
done

# It offers RTX, loses packets, and gets some back in a stream of their own. How many it asks for is its
# own affair: GStreamer holds feedback back by the timing rules of RFC 4585.
sender_resent() {
  grep '}$' "$work/rtx.out" | jq -se 'any(.resent > 0)' > /dev/null
}
wait "${listeners[rtx]}" || fail "webrtcbin got no retransmission: $(cat "$work/rtx-listen.log")"
wait_until 5 "pa-send has resent packets" sender_resent
stop "${senders[rtx]}" || fail "rtx: pa-send has not ended well"
