#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The comparison that the other tests rely on sees what it has to see.
. "$(dirname "$0")/lib.sh"

"$MAKE_SIGNAL" "$work/signal.wav" 8
second=96000 # bytes
head=44

cut_out() { # FROM-BYTE BYTES FILE
  { head -c $((head + $1)) "$work/signal.wav"; tail -c +$((head + $1 + $2 + 1)) "$work/signal.wav"; } > "$3"
}

cut_out 0 $((second * 1 + 246)) "$work/late.wav"
"$COMPARE_SOUND" "$work/signal.wav" "$work/late.wav" 5 || fail 'a late beginning is no fault'

ffmpeg -v error -i "$work/signal.wav" -af aresample=48024,asetrate=48000 "$work/slow.wav"
"$COMPARE_SOUND" "$work/signal.wav" "$work/slow.wav" 5 || fail '0.05 % slower is no fault'

ffmpeg -v error -i "$work/signal.wav" -af aresample=48240,asetrate=48000 "$work/slower.wav"
"$COMPARE_SOUND" "$work/signal.wav" "$work/slower.wav" 5 && fail 'it is 0.5 % slower'

cut_out $((second * 4)) 240 "$work/jump.wav"
"$COMPARE_SOUND" "$work/signal.wav" "$work/jump.wav" 5 && fail '2.5 ms are missing'

cut_out $((second * 4)) 960 "$work/short.wav"
"$COMPARE_SOUND" "$work/signal.wav" "$work/short.wav" 5 && fail '10 ms are missing'

{ head -c $((head + second * 5)) "$work/signal.wav"; head -c 960 /dev/zero
  tail -c +$((head + second * 5 + 961)) "$work/signal.wav"; } > "$work/hole.wav"
"$COMPARE_SOUND" "$work/signal.wav" "$work/hole.wav" 5 && fail 'there is a hole of 10 ms'

ffmpeg -v error -i "$work/signal.wav" -af volume=-1.5dB "$work/quiet.wav"
"$COMPARE_SOUND" "$work/signal.wav" "$work/quiet.wav" 5 && fail 'it is too quiet'

"$COMPARE_SOUND" "$work/signal.wav" "$work/signal.wav" 9 && fail 'it is too short'
exit 0
