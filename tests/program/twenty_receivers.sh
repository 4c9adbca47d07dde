#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Twenty receivers at once: all play, none loses anything, and all leave no trace at the server.
. "$(dirname "$0")/lib.sh"

start_sender send --listen 127.0.0.1:0 --json tone:440
receivers=()
for i in $(seq 20); do
  start_receiver "hall$i" --wav "$work/hall$i.wav" --latency-ms 200 --log warning
  receivers+=("$receiver")
done
for i in $(seq 20); do
  wait_until 30 "hall$i plays 50 packets" value_above "hall$i" packets 50
done

sender_has() { # COUNT
  [ "$(grep '}$' "$work/send.out" | tail -n 1 | jq .connected)" = "$1" ]
}
wait_until 10 'the sender has twenty' sender_has 20

for i in $(seq 20); do
  [ "$(value "hall$i" state)" = playing ] || fail "hall$i does not play"
  [ "$(value "hall$i" lost)" = 0 ] || fail "hall$i has lost packets"
  value_above "hall$i" level_dbfs -20 || fail "hall$i is silent"
done
for pid in "${receivers[@]}"; do
  stop "$pid" || fail 'a receiver has not ended well'
done
wait_until 10 'the sender has forgotten them' sender_has 0
stop "$sender" || fail 'pa-send has not ended well'
