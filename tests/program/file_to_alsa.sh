#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A file goes through pa-send and pa-recv into an ALSA device, and what the device played is whole.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pulse.sh"

# What sounds comes first, where that is allowed.
urgent=()
[ -n "$(nice -n -15 true 2>&1)" ] || urgent=(nice -n -15)
receive_in=("${urgent[@]}")

start_pulse "${urgent[@]}"
"$PA_RECV" --list-devices | grep -q '^spk ' || fail '--list-devices does not name spk'

# A large buffer and much latency: what is looked for is the faults of the program, not those of a
# busy machine.
"$MAKE_SIGNAL" "$work/signal.wav" 8

play_and_record() { # NAME
  start_recording "$work/heard.wav"
  start_sender "$1-send" --listen 127.0.0.1:0 "$work/signal.wav"
  start_receiver "$1" --device spk --buffer-frames 4096 --period-frames 512 --latency-ms 250
  wait_until 10 "$1 plays" value_is "$1" state playing
  wait_until 15 'the source ends and pa-send with it' ended "$sender"
  # The recording runs behind: let silence follow.
  end_s=$(value "$1" t_s)
  wait_until 10 'silence follows' value_above "$1" t_s "$end_s + 1.5"
  stop "$receiver" || fail 'pa-recv has not ended well'
  kill -TERM "$recorder"
  wait_until 5 'the recorder ends' ended "$recorder"
}

# An xrun is the machine's: both cores were away for longer than the buffer, and what was to be
# played then is gone. Such a recording says nothing, so it is made again; three in a row fail.
for take in first second third; do
  play_and_record "$take"
  xruns=$(value "$take" xruns)
  [ "$xruns" -gt 0 ] || break
  echo "$take take: $xruns xruns"
done
"$COMPARE_SOUND" "$work/signal.wav" "$work/heard.wav" 6 ||
  fail "the sound differs; xruns: $xruns"

# The buffer of a speaker: what it asks for unless told otherwise is what it gets.
start_receiver yard --device spk
wait_until 10 'yard opens the device' grep -qs 'buffer 1024, period 256' "$work/yard.log"
wait_until 10 'yard reports' value_above yard t_s 0
stop "$receiver" || fail 'pa-recv has not ended well without a server'
