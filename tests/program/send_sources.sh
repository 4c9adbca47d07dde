#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sources that would hold up or use up a server: each is paced, or refused with one line that helps.
. "$(dirname "$0")/lib.sh"

# ---- a device without a clock is read in real time, and the server still ends when told ----

start_sender null --listen 127.0.0.1:0 --json alsa:null
wait_until 10 'it is told' grep -q 'alsa:null: gives sound faster than time passes' "$work/null.log"
stop "$sender" || fail 'pa-send alsa:null does not end well'
