#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Whoever listens when pa-send ends hears so, even if the socket was full just then.
. "$(dirname "$0")/lib.sh"

send_in=(env "LD_PRELOAD=$FULL_SOCKET")
start_sender send --listen 127.0.0.1:0 tone:440
start_receiver speaker --wav "$work/speaker.wav" --log info
wait_until 20 'it hears something' value_above speaker packets 20
stop "$sender" || fail 'pa-send has not ended well'
grep -q '^full_socket' "$work/send.log" || fail 'the socket was not full'
wait_until 5 'it hears the farewell' grep -q 'closed by the peer' "$work/speaker.log"
stop "$receiver" || fail 'pa-recv has not ended well'
