#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Receiver and server are killed without farewell, and started again: sound comes back by itself.
. "$(dirname "$0")/lib.sh"

sender_has() { # COUNT
  [ "$(grep '}$' "$work/$1.out" | tail -n 1 | jq .connected)" = "$2" ]
}

start_sender send --listen 127.0.0.1:0 --json tone:440
start_receiver first --wav "$work/first.wav" --latency-ms 200
wait_until 10 'the first plays' value_above first packets 25
kill -KILL "$receiver"
wait_until 5 'the first is gone' ended "$receiver"

# What a killed receiver has written is a whole WAV file.
ffprobe -v error -show_entries stream=codec_name -of csv=p=0 "$work/first.wav" | grep -q pcm_s16le ||
  fail 'the WAV of a killed receiver is no WAV'

start_receiver second --wav "$work/second.wav" --latency-ms 200
wait_until 10 'the second plays' value_above second packets 25

# The server comes back on its port with its state folder: same key, same tokens.
kill -KILL "$sender"
wait_until 5 'the server is gone' ended "$sender"
before=$(value second packets)
start_sender send --listen "$server" --json tone:440
wait_until 20 'the second plays again' value_above second packets "$before + 50"
value_is second state playing || fail 'the second does not play'
wait_until 10 'the server has one' sender_has send 1
stop "$receiver" || fail 'pa-recv has not ended well'
stop "$sender" || fail 'pa-send has not ended well'
