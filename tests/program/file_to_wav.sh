#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A file goes through pa-send and pa-recv, on real sockets, and is whole in the receiver's WAV.
. "$(dirname "$0")/lib.sh"

"$MAKE_SIGNAL" "$work/signal.wav" 8
start_sender send --listen 127.0.0.1:0 "$work/signal.wav"
# Much latency: what is looked for is the faults of the programs, not those of a busy machine.
start_receiver hall --wav "$work/hall.wav" --latency-ms 200
wait_until 10 'hall plays' value_is hall state playing
wait_until 15 'the source ends and pa-send with it' ended "$sender"
wait "$sender" || fail 'pa-send has not ended well'
stop "$receiver" || fail 'pa-recv has not ended well'
"$COMPARE_SOUND" "$work/signal.wav" "$work/hall.wav" 6 || fail 'the sound differs'
