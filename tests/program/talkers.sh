#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Who talks to pa-send by WHIP is heard by a receiver: over silence and over a tone, in both roles of
# DTLS, one at a time and two at once, and no longer once he has gone.
. "$(dirname "$0")/lib.sh"

offer_is_whole() { # NAME
  grep -q '^$' "$work/$1.offer" 2> /dev/null
}

# Make a talker of the running pa-send; sets talker.
start_talker() { # NAME SETUP HZ SECONDS
  local status
  mkfifo "$work/$1.answer"
  "$TALK" "$2" "$3" "$4" < "$work/$1.answer" > "$work/$1.offer" 2> "$work/$1.log" &
  talker=$!
  started+=("$talker")
  exec 8> "$work/$1.answer"
  wait_until 5 "the offer of $1" offer_is_whole "$1"
  status=$(curl -sk --max-time 10 --pinnedpubkey "$pin" -o "$work/$1.sdp" -w '%{http_code}' \
    -H "Authorization: Bearer $(sed -n 's/^talker //p' "$work/$sending.state/tokens")" \
    -H 'Content-Type: application/sdp' --data-binary "@$work/$1.offer" "https://$server/whip")
  [ "$status" = 201 ] || fail "$1 got $status"
  cat "$work/$1.sdp" <(echo) >&8
  exec 8>&-
}

# Start a pa-send and a receiver of it that plays.
start_house() { # NAME ARGUMENT...
  sending=$1
  start_sender "$1" --listen 127.0.0.1:0 "${@:2}"
  start_receiver "$1-hall" --wav "$work/$1.wav" --latency-ms 200
  hall=$receiver
  wait_until 10 'hall plays' value_is "$1-hall" state playing
}

stop_house() {
  stop "$hall" || fail 'pa-recv has not ended well'
  stop "$sender" || fail 'pa-send has not ended well'
}

hear() { # NAME HZ MIN MAX
  "$HEAR_TONE" "$work/$1.wav" "${@:2}" || fail "$2 Hz is not heard as it should be"
}

# What was sent until now is in the recording: behind it is all that the network and the buffer held.
played_out() {
  local end_s
  end_s=$(value "$sending-hall" t_s)
  wait_until 5 'the hall has played it all' value_above "$sending-hall" t_s "$(jq -n "$end_s + 1.5")"
}

finished() { # PID: a talker has talked to its end
  wait_until 15 'the talker ends' ended "$1"
  wait "$1" || fail 'the talker has not ended well'
}

# Over silence; the talker is the server of DTLS, for pa-send answers actively.
# A second of stereo, 192000 = 0x2ee00 bytes.
{ printf 'RIFF\x24\xee\x02\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x80\xbb\0\0\0\xee\x02\0\x04\0\x10\0data\0\xee\x02\0'
  head -c 192000 /dev/zero; } > "$work/silent.wav"
start_house silence --loop "$work/silent.wav"
start_talker passive actpass 440 4
grep -q '^a=setup:active' "$work/passive.sdp" || fail 'pa-send does not answer actively'
grep -q '^a=recvonly' "$work/passive.sdp" || fail 'pa-send does not want to receive'
finished "$talker"
played_out
stop_house
hear silence 440 3.8 4.2
hear silence 1000 0 0

# Over a tone; the talker is the client of DTLS. Two at once, and the tone stays.
start_house tone tone:1000
start_talker active active 440 3
grep -q '^a=setup:passive' "$work/active.sdp" || fail 'pa-send does not answer passively'
first=$talker
start_talker another actpass 2000 3
finished "$first"
finished "$talker"
"$TALK" actpass 440 1 < /dev/null > "$work/unanswered.offer" 2> /dev/null && fail 'no answer is no failure'
played_out
stop_house
hear tone 440 2.8 3.2
hear tone 2000 2.8 3.2
hear tone 1000 4 30
