#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# More connections than pa-send has descriptors for, or wants from one address: it waits without
# spinning, keeps its time, and serves again when they are gone. What crashes without memory is done
# before anybody comes.
. "$(dirname "$0")/lib.sh"

# Connects N times by /dev/tcp and holds the connections.
hold() { # N
  local i
  for ((i = 0; i < $1; i++)); do
    exec {fd}<> "/dev/tcp/${server%:*}/${server##*:}" || return
    held+=("$fd")
  done
}

let_go() {
  local fd
  for fd in "${held[@]}"; do
    exec {fd}>&-
  done
  held=()
}

cpu_ticks() { # of the sender: user and system, 100 a second
  awk '{ print $14 + $15 }' "/proc/$sender/stat"
}

serves() {
  [ "$(curl -sk --max-time 2 -o /dev/null -w '%{http_code}' "https://$server/whep")" != 000 ]
}

held=()
ulimit -S -n 40
start_sender few --listen 127.0.0.1:0 --json --stats 0.2 tone:440
ln -s few.out "$work/few.json"
ulimit -S -n 1024
hold 60
wait_until 10 'it is told' grep -q 'a connection has to wait' "$work/few.log"
wait_until 5 'it reports' value_above few frames 0
before=$(cpu_ticks)
frames=$(value few frames)
wait_until 10 'it goes on' value_above few frames $((frames + 100))
after=$(cpu_ticks)
[ $((after - before)) -lt 100 ] || fail "$((after - before)) ticks of CPU in 2 s"
let_go
wait_until 10 'it serves again' serves
stop "$sender" || fail 'pa-send has not ended well'

# One address may not take all connections.
start_sender many --listen 127.0.0.1:0 --json --stats 0.2 tone:440
ln -s many.out "$work/many.json"
hold 100
connections() {
  find "/proc/$sender/fd" -lname 'socket:*' | wc -l
}
full() {
  [ "$(connections)" -gt 60 ]
}
wait_until 10 'they are accepted' full
wait_until 5 'it reports' value_above many frames 0
frames=$(value many frames)
wait_until 10 'it goes on' value_above many frames $((frames + 20))
[ "$(connections)" -lt 75 ] || fail "$(connections) sockets after 100 connections of one address"
let_go
wait_until 10 'it serves again' serves
stop "$sender" || fail 'pa-send has not ended well'

# NSS, behind Debian's libsrtp2, is set up once and loads its module for that: at the start, not with the
# first offer. The loader of programs tells.
if ldd "$PA_SEND" | grep -q libnss3; then
  LD_DEBUG=files LD_DEBUG_OUTPUT=$work/loaded start_sender first --listen 127.0.0.1:0 tone:440
  grep -q 'libsoftokn3.so.*dynamically loaded' "$work/loaded.$sender" || fail 'NSS waits for the first offer'
  stop "$sender" || fail 'pa-send has not ended well'
fi
