#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# GStreamer's webrtcbin listens to pa-send by WHEP: the tone arrives, as loud as it was, unbroken;
# when it leaves, its session is gone; what it loses comes again by RTX.
. "$(dirname "$0")/../program/lib.sh"

sender_has() { # NAME COUNT
  [ "$(grep '}$' "$work/$1.out" | tail -n 1 | jq .peers)" = "$2" ]
}

for ice in lite full; do
  start_sender "$ice" --listen 127.0.0.1:0 --ice "$ice" --json tone:440
  timeout -k 1 40 "$WEBRTCBIN_LISTEN" "https://$server/whep" "$pin" "$(cat "$token")" \
    "$work/$ice.wav" 6 2> "$work/listen.log" || fail "$ice: webrtcbin has not heard enough"
  "$CHECK_TONE" "$work/$ice.wav" 440 -12 5 || fail "$ice: webrtcbin has not heard the tone"
  # The check can fail.
  for other in '480 -12' '440 -15'; do
    # shellcheck disable=SC2086
    ! "$CHECK_TONE" "$work/$ice.wav" $other 1 > /dev/null || fail "$other: taken for the tone"
  done
  wait_until 5 "$ice: the session is gone" sender_has "$ice" 0
  stop "$sender" || fail "$ice: pa-send has not ended well"
done

# It offers RTX, loses packets, and gets some back in a stream of their own. How many it asks for is its
# own affair: GStreamer holds feedback back by the timing rules of RFC 4585.
sender_resent() {
  grep '}$' "$work/rtx.out" | jq -se 'any(.resent > 0)' > /dev/null
}
start_sender rtx --listen 127.0.0.1:0 --json tone:440
timeout -k 1 40 "$WEBRTCBIN_LISTEN" "https://$server/whep" "$pin" "$(cat "$token")" \
  "$work/rtx.wav" 6 rtx 2> "$work/listen.log" || fail "webrtcbin got no retransmission: $(cat "$work/listen.log")"
wait_until 5 "pa-send has resent packets" sender_resent
stop "$sender" || fail "rtx: pa-send has not ended well"
