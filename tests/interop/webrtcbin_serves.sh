#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# pa-recv plays what GStreamer's webrtcbin serves by WHEP, with every choice of --ice.
. "$(dirname "$0")/../program/lib.sh"

echo 0123456789abcdef > "$work/token"

posts() { # ICE WITH-LITE WITHOUT
  [ "$(grep -c '^POST .* lite$' "$work/$1.out")" = "$2" ] &&
    [ "$(grep -c '^POST [^ ]*$' "$work/$1.out")" = "$3" ]
}

# GStreamer sends at once what it has kept until it was connected: packets alone are no time.
has_played() { # ICE SECONDS
  [ "$(stat -c %s "$work/$1.wav")" -gt $((48000 * 4 * $2)) ] # stereo
}

# A server each, all at once, for it takes ten seconds each.
declare -A receivers
for ice in full lite auto; do
  "$WEBRTCBIN_SERVE" 440 > "$work/$ice.out" 2> "$work/$ice-serve.log" &
  started+=("$!")
  wait_until 10 'webrtcbin serves' grep -qs '^port' "$work/$ice.out"
  port=$(sed -n 's/^port //p' "$work/$ice.out")
  "$PA_RECV" --server "http://127.0.0.1:$port/whep" --token-file "$work/token" --ice "$ice" \
    --wav "$work/$ice.wav" --latency-ms 200 --gain-db 0 --json --state-dir "$work/$ice.state" \
    > "$work/$ice.json" 2> "$work/$ice.log" &
  receivers[$ice]=$!
  started+=("$!")
done

for ice in full lite auto; do
  wait_until 40 "$ice: it plays" value_above "$ice" packets 1000
  wait_until 20 "$ice: it plays on" has_played "$ice" 9
  value_is "$ice" state playing || fail "$ice: it does not play"
  stop "${receivers[$ice]}" || fail "$ice: pa-recv has not ended well"
  ! grep 'answered with 487' "$work/$ice.log" || fail "$ice: both took the same role of ICE"
  "$CHECK_TONE" "$work/$ice.wav" 440 -12 5 || fail "$ice: the tone is not there"
  # One offer each: that of auto is lite, and was taken.
  if [ "$ice" = full ]; then posts full 0 1; else posts "$ice" 1 0; fi ||
    fail "$ice: the offers were not as asked for: $(cat "$work/$ice.out")"
  wait_until 5 "$ice: the session is deleted" grep -q '^DELETE /whep/one$' "$work/$ice.out"
done
