#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# pa-send plays every kind of file to its end, and says so when a file is not whole. Nobody needs to
# listen for that: its statistics tell how much it encoded, and how loud.
. "$(dirname "$0")/lib.sh"

# ---- files ----

# 2 s of tone: 100 frames of 20 ms, and a few of the codec's own delay and padding.
ffmpeg -v error -f lavfi -i 'sine=440:d=2:r=44100,volume=12dB' -ac 2 "$work/tone.wav"

make() { # FILE FFMPEG-ARGUMENT...
  local file=$1
  shift
  ffmpeg -v error -i "$work/tone.wav" "$@" "$work/$file"
}
make tone.mp3
make tone.flac
make tone.m4a
make tone.aac
make vorbis.ogg -c:a libvorbis
make tone.opus -c:a libopus
make telephone.wav -ar 8000 -ac 1
make studio.wav -ar 96000 -c:a pcm_s24le
make surround.flac -ac 6
make cbr.mp3 -b:a 128k -write_xing 0
ffmpeg -v error -f lavfi -i 'testsrc=d=4:r=5:s=64x64' -i "$work/tone.wav" "$work/film.mp4"
ffmpeg -v error -i "$work/tone.wav" -f wav - > "$work/piped.wav"
whole=(tone.wav tone.mp3 tone.flac tone.m4a tone.aac vorbis.ogg tone.opus telephone.wav studio.wav
  surround.flac cbr.mp3 film.mp4 piped.wav)

head -c 16000 "$work/tone.mp3" > "$work/short.mp3"
head -c 100000 "$work/tone.wav" > "$work/short.wav"
head -c $(($(stat -c %s "$work/tone.flac") / 2)) "$work/tone.flac" > "$work/short.flac"
# Half of a file is told for each kind that can tell (not: an MP3 cut exactly between two frames).
halve() { # FILE TO
  head -c $(($(stat -c %s "$work/$1") / 2)) "$work/$1" > "$work/$2"
}
halve tone.wav half.wav
halve tone.opus half.opus
halve tone.aac half.aac
head -c 16100 "$work/cbr.mp3" > "$work/half.mp3"
{ head -c 12000 "$work/tone.mp3"; tail -c +20001 "$work/tone.mp3"; } > "$work/hole.mp3"
broken=(short.mp3 short.wav short.flac hole.mp3 half.wav half.opus half.aac half.mp3)

# ---- playing: all at once, for each takes its time ----

play() { # FILE
  local begin=$EPOCHREALTIME
  "$PA_SEND" --listen 127.0.0.1:0 --udp-port 0 --state-dir "$work/state" --json --stats 0.1 \
    "$work/$1" > "$work/$1.json" 2> "$work/$1.log" || return
  echo $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000)) > "$work/$1.took"
}
for file in "${whole[@]}" "${broken[@]}"; do
  play "$file" &
  started+=("$!")
done
wait "${started[@]}"
started=()

# Sets took (ms), loudest (dBFS) and frames (encoded).
look_at() { # FILE
  [ -s "$work/$1.took" ] || fail "pa-send does not play $1"
  took=$(cat "$work/$1.took")
  frames=$(tail -n 1 "$work/$1.json" | jq .frames)
  loudest=$(jq -s 'map(.level_dbfs) | max' "$work/$1.json")
}

for file in "${whole[@]}"; do
  look_at "$file"
  [ "$frames" -ge 95 ] && [ "$frames" -le 108 ] || fail "$file: $frames frames"
  [ "$took" -ge 2400 ] || fail "$file was played in $took ms, faster than it sounds"
  jq -en "$loudest > -24 and $loudest < -3" > /dev/null || fail "$file: $loudest dBFS"
  ! grep -q ' error ' "$work/$file.log" || fail "$file is whole, yet pa-send complains"
done

# A file that is cut short or damaged plays what there is, and says so in one line.
for file in "${broken[@]}"; do
  look_at "$file"
  [ "$frames" -ge 20 ] && [ "$frames" -lt 95 ] || fail "$file: $frames frames"
  [ "$(grep -c ' error ' "$work/$file.log")" -eq 1 ] || fail "$file: not one line of complaint"
  grep -Eq "$file: the file is (cut short|damaged)" "$work/$file.log" ||
    fail "$file: the complaint is not clear"
done

# Repeated, it goes on without a frame of silence at the seam.
"$PA_SEND" --listen 127.0.0.1:0 --udp-port 0 --state-dir "$work/state" --json --loop \
  "$work/tone.flac" > "$work/loop.json" 2> "$work/loop.log" &
started+=("$!")
wait_until 10 'it repeats' value_above loop frames 220
[ "$(value loop silent)" = 0 ] || fail 'silence at the seam'
stop "${started[0]}" || fail 'pa-send has not ended well'
