#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sources that would hold up or use up a server: each is paced, or refused with one line that helps.
. "$(dirname "$0")/lib.sh"

# ---- a device without a clock is read in real time, and the server still ends when told ----

start_sender null --listen 127.0.0.1:0 --json alsa:null
wait_until 10 'it is told' grep -q 'alsa:null: gives sound faster than time passes' "$work/null.log"
stop "$sender" || fail 'pa-send alsa:null does not end well'

# ---- files ----

send=("$PA_SEND" --listen 127.0.0.1:0 --udp-port 0 --state-dir "$work/s")
"$MAKE_SIGNAL" "$work/signal.wav" 2

mkfifo "$work/pipe.wav"
expect_refusal 1 'pipe.wav: is no regular file: .* pa-send -' "${send[@]}" "$work/pipe.wav"
expect_refusal 1 "$work: is no regular file" "${send[@]}" "$work"

ffmpeg -v error -i "$work/signal.wav" "$work/whole.m4a"
head -c 6000 "$work/whole.m4a" > "$work/half.m4a"
expect_refusal 1 'half.m4a: is no audio file that can be read, or is cut short' \
  "${send[@]}" "$work/half.m4a"

# A sample rate of 1 Hz would make 48000 samples out of each that is there.
{ printf 'RIFF\x24\x10\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x01\0\0\0\x02\0\0\0\x02\0\x10\0data\0\x10\0\0'
  head -c 4096 /dev/zero; } > "$work/slow.wav"
expect_refusal 1 'slow.wav: its sample rate is 1 Hz; 4000 to 768000 can be played' \
  "${send[@]}" "$work/slow.wav"

# ---- no such capture device: lists those there are ----

export ALSA_CONFIG_PATH=$work/asound.conf
echo 'pcm.desk { type null hint { show on description "nothing" } }' > "$ALSA_CONFIG_PATH"
expect_refusal 1 'alsa:nope: .*; there are:.* desk' "${send[@]}" alsa:nope
unset ALSA_CONFIG_PATH
