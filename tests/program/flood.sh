#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# flood.sh PER_SECOND SECONDS KIND...: a listener that floods pa-send with each kind of datagram in
# turn, so many a second for so long. Two others play on: nothing is lost, nothing concealed; and it
# keeps its own connection. Prints a table.
. "$(dirname "$0")/lib.sh"

per_second=$1
seconds=$2
shift 2

cpu_ticks() { # of the sender: user and system, 100 a second
  awk '{ print $14 + $15 }' "/proc/$sender/stat"
}

offer_is_whole() { # KIND
  grep -q '^$' "$work/$1.offer" 2> /dev/null
}

# A listener by WHEP without its HTTP; sets flooder.
start_flooder() { # KIND
  local status
  mkfifo "$work/$1.answer"
  "$FLOOD" "$1" "$per_second" "$seconds" < "$work/$1.answer" > "$work/$1.offer" 2> "$work/$1.log" &
  flooder=$!
  started+=("$flooder")
  exec 8> "$work/$1.answer"
  wait_until 5 "the offer of $1" offer_is_whole "$1"
  status=$(curl -sk --max-time 10 --pinnedpubkey "$pin" -o "$work/$1.sdp" -w '%{http_code}' \
    -H "Authorization: Bearer $(sed -n 's/^listener //p' "$work/send.state/tokens")" \
    -H 'Content-Type: application/sdp' --data-binary "@$work/$1.offer" "https://$server/whep")
  [ "$status" = 201 ] || fail "$1 got $status"
  cat "$work/$1.sdp" <(echo) >&8
  exec 8>&-
}

start_sender send --listen 127.0.0.1:0 --json tone:440
halls=(left right)
receivers=()
for hall in "${halls[@]}"; do
  start_receiver "$hall" --wav "$work/$hall.wav" --latency-ms 200 --log warning
  receivers+=("$receiver")
done
for hall in "${halls[@]}"; do
  wait_until 10 "$hall plays 50 packets" value_above "$hall" packets 50
done

printf '%-16s %8s %8s %10s %6s %6s %10s %10s\n' kind in/s out/s 'out B/s' CPU lost concealed jitter
for kind in "$@"; do
  before=$(cpu_ticks)
  began=${EPOCHREALTIME/./}
  start_flooder "$kind"
  wait_until $((seconds + 15)) "$kind ends" ended "$flooder"
  wait "$flooder" || fail "the flooder with $kind has not ended well"
  took=$((${EPOCHREALTIME/./} - began))
  read -r in out bytes < "$work/$kind.log"
  printf '%-16s %8s %8s %10s %5s%% %6s %10s %10s\n' "$kind" "$in" "$out" "$bytes" \
    "$((($(cpu_ticks) - before) * 1000000 / took))" "$(value left lost)/$(value right lost)" \
    "$(value left concealed_ms)/$(value right concealed_ms)" \
    "$(value left jitter_ms)/$(value right jitter_ms)"
  [ "$in" -ge 500 ] || fail "only $in of $per_second datagrams a second were sent"
  [ "$out" -ge 25 ] || fail "only $out datagrams a second came back: the media is missing"
  [ "$out" -le 1000 ] || fail "$out datagrams a second came back"
done

now=$(value left t_s)
wait_until 5 'all has been played' value_above left t_s "$now"
for hall in "${halls[@]}"; do
  [ "$(value "$hall" state)" = playing ] || fail "$hall does not play"
  [ "$(value "$hall" lost)" = 0 ] || fail "$hall has lost $(value "$hall" lost) packets"
  [ "$(value "$hall" concealed_ms)" = 0 ] || fail "$hall had $(value "$hall" concealed_ms) ms concealed"
done
for pid in "${receivers[@]}"; do
  stop "$pid" || fail 'a receiver has not ended well'
done
stop "$sender" || fail 'pa-send has not ended well'
