#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# firefox.sh SCRIPT: a test with Firefox, in a network namespace of its own, for Firefox hides its
# addresses behind names that only multicast DNS knows, and reaches loopback from none of them; with a
# sound server of its own, for without one Firefox analyses no sound.
. "$(dirname "$0")/../program/lib.sh"
. "$(dirname "$0")/../program/pulse.sh"

space=paw-firefox-$$
export ADDRESS=10.79.0.1

undo() {
  ip netns delete "$space" 2> /dev/null || true
}

ip netns add "$space"
ip -n "$space" link add hall type veth peer name yard
ip -n "$space" address add "$ADDRESS/24" dev hall
for name in lo hall yard; do
  ip -n "$space" link set "$name" up
done
start_pulse
ip netns exec "$space" "$NODE" "$(dirname "$0")/$1.js"
