#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: load.sh [OPTION of load_receivers]...
# A pa-send of its own, and load_receivers on it: by default the load of 500. --storm is the storm of
# 200 within 2 s while five play. Ends with 1 when a bar was missed, or pa-send itself dropped anything,
# or, after a storm, kept in memory more than half of what its receivers had made it grow by.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${PAW_BUILD:-$here/../../../build/release}
send=${PA_SEND:-$build/examples/pa-send/pa-send}
load=${LOAD_RECEIVERS:-$build/tests/bench/fanout/load_receivers}
work=$(mktemp -d)
sender=

clean_up() {
  if [ -n "$sender" ]; then
    kill -KILL "$sender" 2> /dev/null || true
    wait "$sender" 2> /dev/null || true
  fi
  rm -rf "$work"
}
trap clean_up EXIT

fail() {
  echo "$*" >&2
  tail -n 20 "$work/log" >&2
  exit 1
}

rss_kb() {
  awk '/^VmRSS:/ { print $2 }' "/proc/$sender/status"
}

# It has half a minute, of which pa-send lets ten seconds pass.
gives_memory_back() { # KB_BEFORE KB_WITH_RECEIVERS
  local most=$((($1 + $2) / 2)) deadline=$((SECONDS + 30))
  until [ "$(rss_kb)" -le "$most" ]; do
    [ "$SECONDS" -lt "$deadline" ] || {
      echo "RSS of pa-send: $1 kB before, $2 kB with receivers, $(rss_kb) kB after them" >&2
      return 1
    }
    sleep 0.1
  done
}

storm=no
[[ " $* " != *" --storm "* ]] || storm=yes
options=(--load)
for option in "$@"; do
  [ "$option" != --storm ] || options=(--receivers 205 --before 5 --within-ms 2000 --seconds 10)
done

umask 077
"$send" --listen 127.0.0.1:0 --udp-port 0 --state-dir "$work/state" --json --stats 1 tone:440 \
  > "$work/json" 2> "$work/log" &
sender=$!
deadline=$((SECONDS + 10))
until grep -qs '^tokens' "$work/log"; do
  kill -0 "$sender" 2> /dev/null || fail 'pa-send has ended'
  [ "$SECONDS" -lt "$deadline" ] || fail 'pa-send is not ready'
  sleep 0.02
done
server=$(sed -n 's/^pair a speaker: pa-recv --server \([^ ]*\) .*/\1/p' "$work/log")
pin=$(sed -n 's/^pair a speaker:.* --pin \([^ ]*\) .*/\1/p' "$work/log")
sed -n 's/^speaker  *\([^ ]*\).*/\1/p' "$work/state/tokens" | head -n 1 > "$work/token"

status=0
before_kb=$(rss_kb)
"$load" --url "https://$server/whep" --pin "$pin" --token-file "$work/token" --sender "$sender" \
  "${options[@]}" "$@" || status=$?
[ "$storm" = no ] || gives_memory_back "$before_kb" "$(rss_kb)" || status=1
grep '}$' "$work/json" | tail -n 1 >&2
[ "$(grep '}$' "$work/json" | tail -n 1 | jq .dropped)" = 0 ] || status=1
exit "$status"
