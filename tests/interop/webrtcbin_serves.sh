#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# pa-recv plays what GStreamer's webrtcbin serves by WHEP, with every choice of --ice.
. "$(dirname "$0")/../program/lib.sh"

"$WEBRTCBIN_SERVE" 440 > "$work/serve.out" 2> "$work/serve.log" &
started+=("$!")
wait_until 10 'webrtcbin serves' grep -qs '^port' "$work/serve.out"
port=$(sed -n 's/^port //p' "$work/serve.out")
echo 0123456789abcdef > "$work/token"

posts() { # WITH-LITE WITHOUT
  [ "$(grep -c '^POST .* lite$' "$work/serve.out")" = "$1" ] &&
    [ "$(grep -c '^POST [^ ]*$' "$work/serve.out")" = "$2" ]
}

for ice in full lite auto; do
  "$PA_RECV" --server "http://127.0.0.1:$port/whep" --token-file "$work/token" --ice "$ice" \
    --wav "$work/$ice.wav" --latency-ms 200 --gain-db 0 --json --state-dir "$work/state" \
    > "$work/$ice.json" 2> "$work/$ice.log" &
  receiver=$!
  started+=("$receiver")
  wait_until 20 "$ice: it plays" value_above "$ice" packets 1000
  value_is "$ice" state playing || fail "$ice: it does not play"
  stop "$receiver" || fail "$ice: pa-recv has not ended well"
  ! grep 'answered with 487' "$work/$ice.log" || fail "$ice: both took the same role of ICE"
  "$CHECK_TONE" "$work/$ice.wav" 440 -12 5 || fail "$ice: the tone is not there"
done
# Full once; lite once, and once more for auto, whose first offer was taken.
posts 2 1 || fail "the offers were not as asked for: $(cat "$work/serve.out")"
wait_until 5 'the last session is deleted' \
  test "$(grep -c '^DELETE /whep/one$' "$work/serve.out")" = 3
