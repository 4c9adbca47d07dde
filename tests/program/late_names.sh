#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A name server that never answers holds nothing up: pa-recv reports every second, and ends when told
# to. In a network namespace of its own, where questions to port 53 are lost.
. "$(dirname "$0")/lib.sh"

alone=paw-alone-$$

undo() {
  ip netns delete "$alone" 2> /dev/null || true
}

ip netns add "$alone"
ip -n "$alone" link add eth0 type veth peer name eth1
for link in lo eth0 eth1; do
  ip -n "$alone" link set "$link" up
done
ip -n "$alone" address add 10.80.0.1/24 dev eth0
ip netns exec "$alone" nft -f - << 'END'
table ip lost {
  chain in { type filter hook input priority 0; udp dport 53 drop; }
}
END
echo 'nameserver 127.0.0.1' > "$work/resolv.conf"
cat > "$work/there" << 'END'
#!/usr/bin/env bash
mount --bind "$1" /etc/resolv.conf
shift
exec "$@"
END
chmod +x "$work/there"
receive_in=(ip netns exec "$alone" "$work/there" "$work/resolv.conf")
server=pa.example:8443
pin=sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
echo 0123456789abcdef > "$work/token"
token=$work/token

start_receiver hall --wav "$work/hall.wav"
wait_until 20 'ten seconds pass' value_above hall t_s 10
grep '}$' "$work/hall.json" |
  jq -es '[.[].t_s] | [.[1:], .[:-1]] | transpose | map(select(.[0] - .[1] > 1.6)) | length == 0' \
    > /dev/null || fail 'a name server holds the loop up'
grep -q 'trying again' "$work/hall.log" || fail 'the trouble is not told'
stop "$receiver" || fail 'pa-recv has not ended well'
