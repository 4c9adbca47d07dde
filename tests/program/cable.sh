# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Two network namespaces and a cable between them, for one test: the sender in $far, 10.78.0.1, the
# receiver in $near, 10.78.0.2. Sourced after lib.sh.

far=paw-far-$$
near=paw-near-$$

undo() {
  ip netns delete "$far" 2> /dev/null || true # not there yet when the test has failed early
  ip netns delete "$near" 2> /dev/null || true
}

ip netns add "$far"
ip netns add "$near"
ip -n "$far" link add eth0 type veth peer name eth0 netns "$near"
ip -n "$far" address add 10.78.0.1/24 dev eth0
ip -n "$near" address add 10.78.0.2/24 dev eth0
for name in "$far" "$near"; do
  # An address that goes leaves the others there.
  ip netns exec "$name" sysctl -qw net.ipv4.conf.all.promote_secondaries=1 \
    net.ipv6.conf.all.disable_ipv6=1
  ip -n "$name" link set lo up
  ip -n "$name" link set eth0 up
done
is_up() { # NAMESPACE
  ip -n "$1" -brief link show eth0 | grep -q ' UP '
}
for name in "$far" "$near"; do
  wait_until 5 'the cable is up' is_up "$name" # before that the programs see no address
done
# shellcheck disable=SC2034 # lib.sh reads them
send_in=(ip netns exec "$far")
# shellcheck disable=SC2034
receive_in=(ip netns exec "$near")
