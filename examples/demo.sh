#!/bin/sh
# SPDX-License-Identifier: MIT
# Hear it work: builds everything, starts pa-send on a speech file and two pa-recv, shows a live table
# and, at the end, what was heard.
set -eu

usage() {
  cat <<'END'
usage: examples/demo.sh [--seconds N] [--json]

Installs the packages that are missing, builds, and plays speech for N seconds (15) from one pa-send
to two pa-recv on this machine: "hall" writes a WAV file, "yard" plays on the sound card or, where
there is none, writes a WAV file too. --json: the last line is one object with the results.
Exit status 0 only if both heard it.
END
}

seconds=15
json=no
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) seconds="${2-}"; shift ;;
    --seconds=*) seconds="${1#*=}" ;;
    --json) json=yes ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
case "$seconds" in
  '' | *[!0-9]* | 0) echo 'demo.sh: --seconds takes a whole number above 0' >&2; exit 2 ;;
esac

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build="$root/build/demo"
heard="$root/build/demo-heard"
sounds=/usr/share/sounds/alsa
work=''
sender=''
hall=''
yard=''

fail() {
  echo "demo.sh: $1" >&2
  exit 1
}

stop() { # PID: ask it to leave, and wait until it has
  if [ -n "$1" ]; then
    kill -TERM "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
  fi
}

clean_up() {
  trap - EXIT INT TERM
  stop "$hall"
  stop "$yard"
  stop "$sender"
  [ -z "$work" ] || rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- build ----

"$here/packages.sh" demo
mkdir -p "$root/build" "$heard"
if ! { [ -f "$build/build.ninja" ] || meson setup "$build" "$root" --buildtype=release \
       -Dtests=false -Dprograms=enabled; } > "$root/build/demo.log" 2>&1 ||
   ! ninja -C "$build" examples/pa-send/pa-send examples/pa-recv/pa-recv \
       >> "$root/build/demo.log" 2>&1; then
  tail -20 "$root/build/demo.log" >&2
  fail "it does not build; all of the log is in $root/build/demo.log"
fi

# ---- a speech file ----

work=$(mktemp -d)

byte() { # VALUE: one byte
  # shellcheck disable=SC2059
  printf "\\$(printf %o $(($1 & 255)))"
}

le32() { # VALUE: four bytes, the lowest first
  byte "$1"
  byte $(($1 >> 8))
  byte $(($1 >> 16))
  byte $(($1 >> 24))
}

# The announcements of alsa-utils, which are 16-bit mono at 48 kHz behind 44 bytes of header, as one.
make_speech() { # FILE
  : > "$work/pcm"
  for name in Front_Center Front_Left Front_Right Rear_Center Rear_Left Rear_Right; do
    [ -r "$sounds/$name.wav" ] || fail "$sounds/$name.wav is missing (package alsa-utils)"
    tail -c +45 "$sounds/$name.wav" >> "$work/pcm"
  done
  bytes=$(wc -c < "$work/pcm")
  {
    printf RIFF
    le32 $((bytes + 36))
    printf 'WAVEfmt \020\000\000\000\001\000\001\000'
    le32 48000
    le32 96000
    printf '\002\000\020\000data'
    le32 "$bytes"
    cat "$work/pcm"
  } > "$1"
}
make_speech "$work/speech.wav"

# ---- the sender ----

"$build/examples/pa-send/pa-send" --listen 127.0.0.1:0 --udp-port 0 --state-dir "$work/send" --loop \
  "$work/speech.wav" 2> "$work/send.log" &
sender=$!

tries=0
until grep -qs '^tokens' "$work/send.log" && [ -s "$work/send/tokens" ]; do
  kill -0 "$sender" 2>/dev/null || { cat "$work/send.log" >&2; fail 'pa-send did not start'; }
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || fail 'pa-send does not get ready'
  sleep 0.1
done
server=$(sed -n 's/^pair a speaker: pa-recv --server \([^ ]*\) .*/\1/p' "$work/send.log")
pin=$(sed -n 's/^pair a speaker:.* --pin \([^ ]*\) .*/\1/p' "$work/send.log")
sed -n 's/^speaker  *\([^ ]*\).*/\1/p' "$work/send/tokens" | head -n 1 |
  install -m 600 /dev/stdin "$work/token"
echo "pa-send serves speech on https://$server/whep" >&2

# ---- the receivers ----

receive() { # NAME ARGUMENT...: start a pa-recv in the background; its id is in $!
  name=$1
  shift
  "$build/examples/pa-recv/pa-recv" --server "$server" --pin "$pin" --token-file "$work/token" \
    --state-dir "$work/$name" --name "$name" --json "$@" \
    > "$work/$name.json" 2> "$work/$name.log" &
}

rm -f "$heard/hall.wav" "$heard/yard.wav"
receive hall --wav "$heard/hall.wav" --gain-db 0
hall=$!
hall_wav="$heard/hall.wav"

# Does a sound card open? A second of silence tells.
if aplay -q -D default -t raw -f S16_LE -c 2 -r 48000 -d 1 /dev/zero > /dev/null 2>&1; then
  receive yard
  yard_wav=''
else
  echo 'no sound card opens here: both write WAV files' >&2
  receive yard --wav "$heard/yard.wav" --gain-db 0
  yard_wav="$heard/yard.wav"
fi
yard=$!

# ---- the table ----

last() { # NAME: the newest whole JSON object
  grep '}$' "$work/$1.json" 2>/dev/null | tail -n 1
}

row='[$name, .state, .packets, .lost, .concealed_ms, (.delay_ms // "-"), (.rtt_ms // "-"), .xruns,
  (.level_dbfs // "-")] | @tsv'
layout='%-6s %-11s %8s %6s %13s %9s %7s %6s %10s\n'

table() {
  # shellcheck disable=SC2059
  printf "$layout" name state packets lost concealed_ms delay_ms rtt_ms xruns level_dbfs
  for name in hall yard; do
    last "$name" | jq -r --arg name "$name" "$row" |
      # shellcheck disable=SC2059
      { IFS='	' read -r a b c d e f g h i && printf "$layout" "$a" "$b" "$c" "$d" "$e" "$f" "$g" "$h" "$i"; } ||
      printf '%-6s starting\n' "$name"
  done
}

elapsed=0
while [ "$elapsed" -lt "$seconds" ]; do
  sleep 1
  elapsed=$((elapsed + 1))
  if [ -t 2 ]; then
    [ "$elapsed" -eq 1 ] || printf '\033[3A' >&2
    table | sed "s/\$/$(printf '\033[K')/" >&2
  else
    { echo "after $elapsed s"; table; } >&2
  fi
  for pid in "$sender" "$hall" "$yard"; do
    if ! kill -0 "$pid" 2>/dev/null; then
      cat "$work"/*.log >&2
      fail 'one of the three has ended'
    fi
  done
done

# ---- the end ----

result() { # NAME WAV: how it stood while it still played
  jq -cs --arg name "$1" --arg wav "$2" '
    (map(.level_dbfs // empty) | max) as $peak | last | {name: $name, state, packets, lost,
    concealed_ms, delay_ms, peak_dbfs: $peak, wav: (if $wav == "" then null else $wav end)}' \
    "$work/$1.json"
}

hall_result=$(result hall "$hall_wav")
yard_result=$(result yard "$yard_wav")
stop "$hall"; hall=''
stop "$yard"; yard=''
stop "$sender"; sender=''

summary=$(printf '%s\n%s\n' "$hall_result" "$yard_result" |
  jq -cs --argjson seconds "$seconds" '{seconds: $seconds, receivers: ., offset_ms: null}')

printf '%s' "$summary" | jq -r '.receivers[] |
  "\(.name): \(.state), \(.packets) packets, \(.lost) lost, \(.concealed_ms) ms concealed, " +
  "delay \(.delay_ms) ms, peak \(.peak_dbfs) dBFS" +
  (if .wav then "; what it heard: \(.wav)" else "; on the sound card" end)'

# Quieter than -60 dBFS is not speech.
status=0
printf '%s' "$summary" |
  jq -e '[.receivers[] | .state == "playing" and .packets > 0 and (.peak_dbfs // -200) > -60] |
    all' > /dev/null || status=1
if [ "$status" -eq 0 ]; then
  echo 'both heard it'
else
  cat "$work"/*.log >&2
  echo 'not both heard it'
fi
[ "$json" = no ] || printf '%s\n' "$summary"
exit "$status"
