#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The delay follows the network: little at rest, more once packets come late, never above the cap; a
# fixed one stays. The sender is held up for 50 ms at a time, which delays packets as a network does.
. "$(dirname "$0")/lib.sh"

ms_now() {
  date +%s%3N
}

# Hold up the sender for MS milliseconds, then let it be for a while.
hold_up() { # MS
  local until
  kill -STOP "$sender"
  until=$(($(ms_now) + $1))
  wait_until 5 'a moment passes' eval '[ "$(ms_now)" -ge "$until" ]'
  kill -CONT "$sender"
  until=$(($(ms_now) + 400))
  wait_until 5 'a moment passes' eval '[ "$(ms_now)" -ge "$until" ]'
}

# The greatest value of a field.
greatest() { # NAME FIELD
  grep '}$' "$work/$1.json" | jq -es "[.[].$2 // 0] | max"
}

within() { # NAME FIELD MIN MAX
  local found
  found=$(greatest "$1" "$2")
  jq -en "$found >= $3 and $found <= $4" > /dev/null || fail "$1: $2 is $found, not $3 to $4"
}

start_sender send --listen 127.0.0.1:0 --frame-ms 10 tone:440
receivers=()
start_receiver auto --wav "$work/auto.wav"
receivers+=("$receiver")
start_receiver capped --wav "$work/capped.wav" --max-latency-ms 25
receivers+=("$receiver")
start_receiver patient --wav "$work/patient.wav" --profile announcement
receivers+=("$receiver")
start_receiver fixed --wav "$work/fixed.wav" --latency-ms 120
receivers+=("$receiver")
for name in auto capped patient fixed; do
  wait_until 10 "$name plays" value_above "$name" packets 150
  value_above "$name" delay_ms 0 || fail "$name does not know its delay"
done

for _ in 1 2 3 4 5 6; do
  hold_up 50
done
now=$(value auto t_s)
wait_until 5 'it is told' value_above auto t_s "$now + 1"
# From 20 ms on, up to the cap and what a WAV file is written late by.
within auto target_ms 35 75
within capped target_ms 5 40
within patient target_ms 40 215
[ "$(greatest fixed target_ms)" = "$(jq -n 120)" ] || fail 'a fixed delay does not stay'
! value_above fixed stretched_ms 60 || fail 'a fixed delay is stretched'
for pid in "${receivers[@]}"; do
  stop "$pid" || fail 'a receiver has not ended well'
done
stop "$sender" || fail 'pa-send has not ended well'

# Past the joining and the hold-ups the tone is there.
for name in auto capped patient fixed; do
  "$HEAR_TONE" "$work/$name.wav" 440 3 60 || fail "$name plays no tone"
done
