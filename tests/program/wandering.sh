#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Addresses that change under a session, on either side, and an outage that outlives it: sound is back
# within a second of the way. Two network namespaces and a cable between them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cable.sh"

ms_now() {
  date +%s%3N
}

calls() {
  grep -c -- '-> calling' "$work/hall.log"
}

path_is() { # LOCAL REMOTE
  grep -o 'path [0-9.]*:[0-9]* - [0-9.]*:[0-9]*' "$work/hall.log" | tail -n 1 |
    grep -q "path $1:[0-9]* - $2:"
}

plays_again() {
  [ "$(grep -c 'connected -> playing' "$work/hall.log")" -ge 2 ]
}

start_sender send --listen 10.78.0.1:0 --json --stats 0.5 --log info tone:440
start_receiver hall --wav "$work/hall.wav" --latency-ms 200 --log debug
wait_until 10 'hall plays' value_above hall packets 25
path_is 10.78.0.2 10.78.0.1 || fail 'not the path that there is'

# The receiver moves: ICE is restarted by PATCH, the session stays.
begin=$(ms_now)
ip -n "$near" address add 10.78.0.3/24 dev eth0
ip -n "$near" address del 10.78.0.2/24 dev eth0
wait_until 5 'the receiver has moved' path_is 10.78.0.3 10.78.0.1
took=$(($(ms_now) - begin))
[ "$took" -le 1500 ] || fail "the receiver has moved after $took ms"
grep -q 'PATCH /whep/\*: 200' "$work/send.log" || fail 'ICE is not restarted by PATCH'
packets=$(value hall packets)
wait_until 5 'hall plays on' value_above hall packets "$packets + 50"
[ "$(calls)" -eq 1 ] || fail 'another address makes a new session'

# Another address besides is told, and changes nothing else.
patches=$(grep -c 'PATCH /whep/\*: 204' "$work/send.log" || true)
ip -n "$near" address add 10.79.0.3/24 dev eth0
told() {
  [ "$(grep -c 'PATCH /whep/\*: 204' "$work/send.log")" -gt "$patches" ]
}
wait_until 5 'another candidate is told' told
path_is 10.78.0.3 10.78.0.1 || fail 'the path was left without need'

# The sender moves. Its HTTP is gone with the address; its checks find the receiver.
begin=$(ms_now)
ip -n "$far" address add 10.78.0.9/24 dev eth0
ip -n "$far" address del 10.78.0.1/24 dev eth0
wait_until 5 'the sender has moved' path_is 10.78.0.3 10.78.0.9
took=$(($(ms_now) - begin))
[ "$took" -le 1500 ] || fail "the sender has moved after $took ms"
packets=$(value hall packets)
wait_until 5 'hall plays on' value_above hall packets "$packets + 50"
[ "$(calls)" -eq 1 ] || fail 'another address makes a new session'
ip -n "$far" address add 10.78.0.1/24 dev eth0

# 33 s without a way outlive the session on both sides.
cut() {
  ip netns exec "$far" nft -f - << 'END'
table ip cut {
  chain in { type filter hook input priority 0; policy drop; }
  chain out { type filter hook output priority 0; policy drop; }
}
END
}
cut
wait_until 3 'hall notices' value_is hall state silent
stopped=$(value hall t_s)
wait_until 50 'half a minute passes' value_above hall t_s "$stopped + 33"
gone() {
  [ "$(grep '}$' "$work/send.out" | tail -n 1 | jq .connected)" = 0 ]
}
wait_until 5 'the server has given the session up' gone
for reason in 'disconnected: the peer is not heard' 'failed: consent expired'; do
  grep -q "peer [0-9]*: ICE $reason\$" "$work/send.log" || fail "pa-send does not tell: $reason"
done
grep -q 'ice: connected -> disconnected: the peer is not heard$' "$work/hall.log" ||
  fail 'pa-recv does not tell why it is disconnected'
begin=$(ms_now)
ip netns exec "$far" nft delete table ip cut
wait_until 10 'sound is back' plays_again
took=$(($(ms_now) - begin))
[ "$took" -le 1000 ] || fail "sound came back after $took ms"
stop "$receiver" || fail 'pa-recv has not ended well'
stop "$sender" || fail 'pa-send has not ended well'
