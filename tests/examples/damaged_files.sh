#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes small audio files of every kind and lets PROGRAM damage and play them, ROUNDS times.
set -euo pipefail

if [ $# -ne 2 ]; then
  echo 'usage: tests/examples/damaged_files.sh PROGRAM ROUNDS' >&2
  exit 2
fi
program=$1 rounds=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make() { # FILE FFMPEG-ARGUMENT...
  local file=$1
  shift
  ffmpeg -v error -f lavfi -i 'sine=440:d=0.4:r=44100' -ac 2 "$@" "$work/$file" < /dev/null
}
make tone.mp3
make tone.wav
make tone.flac
make tone.ogg -c:a libvorbis
make tone.opus -c:a libopus
make tone.m4a
make tone.aac
make studio.wav -ar 96000 -c:a pcm_s24le

mkdir "$work/damaged"
"$program" "$rounds" "$work/damaged" "$work"/tone.* "$work/studio.wav"
