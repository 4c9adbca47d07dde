#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The two small examples do what their first lines promise.
. "$(dirname "$0")/lib.sh"

"$LOOPBACK" > "$work/loopback.out" || fail 'loopback'
grep -Eq '^heard 9[0-9]{2} packets' "$work/loopback.out" || fail 'loopback has heard too little'
grep -Eq ' [0-9]+\.[0-9] ms after they came$' "$work/loopback.out" || fail 'loopback tells no delay'

mkfifo "$work/back"
timeout 20 "$UDP_POLL" recv < "$work/back" 2> "$work/recv.log" |
  timeout 20 "$UDP_POLL" send > "$work/back" 2> "$work/send.log" || fail 'udp_poll'
grep -q '^heard: peak' "$work/recv.log" || fail 'udp_poll has heard nothing'
grep -Eq '^heard: [0-9]+ packets, [0-9.]+ ms after they came' "$work/recv.log" ||
  fail 'udp_poll tells no delay'
