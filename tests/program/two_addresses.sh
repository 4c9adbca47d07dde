#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A host with two addresses on one interface answers from the one that was asked, be it the sender or
# the receiver. Two network namespaces and a cable between them.
. "$(dirname "$0")/lib.sh"

two=paw-two-$$ # 10.77.0.1 and, as the second that nothing leaves from by itself, 10.77.0.2
one=paw-one-$$ # 10.77.0.3

undo() {
  ip netns delete "$two" 2> /dev/null || true
  ip netns delete "$one" 2> /dev/null || true
}

ip netns add "$two"
ip netns add "$one"
ip -n "$two" link add eth0 type veth peer name eth0 netns "$one"
ip -n "$two" address add 10.77.0.1/24 dev eth0
ip -n "$two" address add 10.77.0.2/24 dev eth0
ip -n "$one" address add 10.77.0.3/24 dev eth0
for name in "$two" "$one"; do
  ip -n "$name" link set lo up
  ip -n "$name" link set eth0 up
done
# Nothing but the second address is let through, in either direction.
ip netns exec "$two" nft -f - << 'END'
table ip only_second {
  chain in { type filter hook input priority 0; ip daddr 10.77.0.1 udp dport != 0 drop; }
  chain out { type filter hook output priority 0; ip saddr 10.77.0.1 udp dport != 0 drop; }
}
END

# The sender has two.
send_in=(ip netns exec "$two")
receive_in=(ip netns exec "$one")
start_sender first --listen 10.77.0.2:0 tone:440
start_receiver hall --wav "$work/hall.wav" --log debug
wait_until 10 'hall plays' value_above hall packets 25
grep -q 'path 10.77.0.3:[0-9]* - 10.77.0.2:' "$work/hall.log" || fail 'not by the second address'
stop "$receiver" || fail 'pa-recv has not ended well'
stop "$sender" || fail 'pa-send has not ended well'

# The receiver has two.
send_in=(ip netns exec "$one")
receive_in=(ip netns exec "$two")
start_sender second --listen 10.77.0.3:0 tone:440
start_receiver yard --wav "$work/yard.wav" --log debug
wait_until 10 'yard plays' value_above yard packets 25
grep -q 'path 10.77.0.2:[0-9]* - 10.77.0.3:' "$work/yard.log" || fail 'not by the second address'
stop "$receiver" || fail 'pa-recv has not ended well'
stop "$sender" || fail 'pa-send has not ended well'
