#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
usage() {
  cat <<'END'
usage: tests/bench/first_sound.sh [--runs N] [--json]

How long a pa-recv on loopback takes from its start to its first sound: HTTPS with the key pinned,
WHEP, ICE, DTLS and the player's start, as the program itself says at its first sound. N starts (20), one after
the other, each a program of its own; a tone as the source. The first start is a pa-send's first, too.
Bar: 90 % of them within 300 ms. The programs are those of build/release, or PA_SEND and PA_RECV.
END
}

json=no
runs=20
while [ $# -gt 0 ]; do
  case $1 in
  -h | --help)
    usage
    exit
    ;;
  --json) json=yes ;;
  --runs)
    [[ ${2-} =~ ^[1-9][0-9]{0,3}$ ]] || {
      echo "--runs ${2-}: a number from 1 to 9999" >&2
      exit 2
    }
    runs=$2
    shift
    ;;
  *)
    usage >&2
    exit 2
    ;;
  esac
  shift
done
root=$(cd "$(dirname "$0")/../.." && pwd)
PA_SEND=${PA_SEND:-$root/build/release/examples/pa-send/pa-send}
PA_RECV=${PA_RECV:-$root/build/release/examples/pa-recv/pa-recv}
# shellcheck source=tests/program/lib.sh
. "$root/tests/program/lib.sh"

said() { # NAME
  grep -qs 'first sound' "$work/$1.log"
}

start_sender hall --listen 127.0.0.1:0 tone:440
for ((i = 0; i < runs; i++)); do
  start_receiver "speaker$i" --wav "$work/$i.wav" --log info
  wait_until 10 'the first sound' said "speaker$i"
  stop "$receiver"
  sed -n 's/.*first sound \([0-9]*\) ms.*/\1/p' "$work/speaker$i.log"
done > "$work/times"

# shellcheck disable=SC2016
jq -sc --argjson bar 300 '
  (.[0]) as $first | sort | {
    program: "first_sound", what: "\(length) starts of pa-recv, HTTPS on loopback, to the first sound",
    p50_ms: .[(length * 0.5 | ceil) - 1], p90_ms: .[(length * 0.9 | ceil) - 1],
    p90_ms_bar: "<= \($bar)", p90_ms_met: (.[(length * 0.9 | ceil) - 1] <= $bar),
    max_ms: max, first_ms: $first
  }' "$work/times" > "$work/result"
if [ $json = yes ]; then
  cat "$work/result"
else
  jq -r '"\(.program): \(.what)", (to_entries[2:][] | "  \(.key)  \(.value)")' "$work/result"
fi
jq -e .p90_ms_met "$work/result" > /dev/null
