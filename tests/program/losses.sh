#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every tenth packet is lost, both ways: what is lost is asked for again; when nobody hears that, the
# server prepares for losses as it is told to; both say what happens. Two network namespaces and a cable
# between them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cable.sh"

# What comes in by UDP: RULE each at the sender and at the receiver.
filter() { # NAMESPACE RULE
  ip netns exec "$1" nft -f - << END
table inet air {
  chain in {
    type filter hook input priority 0
    $2
  }
}
END
}

tenth='meta l4proto udp numgen random mod 10 < 1 drop'
# Feedback, the first byte of a packet's type being 205, when it stands alone (RFC 5506).
requests='meta l4proto udp @th,72,8 205 drop'

all_comes() {
  ip netns exec "$far" nft delete table inet air
  ip netns exec "$near" nft delete table inet air
}

said() { # NAME EXPRESSION: the newest object of the server
  grep '}$' "$work/$1.out" 2> /dev/null | tail -n 1 | jq -e "$2" > /dev/null
}

ever_said() { # NAME EXPRESSION
  grep '}$' "$work/$1.out" | jq -es "map(select($2)) | length > 0" > /dev/null
}

stop_both() {
  stop "$receiver" || fail 'pa-recv has not ended well'
  stop "$sender" || fail 'pa-send has not ended well'
}

# ---- as it is unless told otherwise ----

start_sender auto --listen 10.78.0.1:0 --frame-ms 10 --json --stats 0.5 tone:440
start_receiver hall --wav "$work/hall.wav"
wait_until 10 'hall plays' value_above hall packets 100
said auto '.fec == false and .red == 0 and .worst_loss_pct == 0' || fail 'repairs before there are losses'
filter "$far" "$tenth"
filter "$near" "$tenth"
wait_until 10 'packets are asked for again' value_above hall recovered_nack 20
value_above hall nacks 20 || fail 'requests are not counted'
wait_until 2 'answers are counted' said auto '.resent > 20 and .nacks > 20' # it reports by the half second
concealed=$(value hall concealed_ms)
begin_s=$(value hall t_s)
wait_until 15 'four seconds pass' value_above hall t_s "$begin_s + 4"
# Of four seconds 400 ms are lost; asked for twice, a fortieth of them is. The rest of this room is the
# machine's.
! value_above hall concealed_ms "$concealed + 100" || fail 'too much is concealed'
all_comes

# Nobody hears the requests.
filter "$far" "$requests"
filter "$near" "$tenth"
wait_until 15 'the losses are reported' said auto '.worst_loss_pct > 2'
wait_until 15 'Opus prepares for losses' said auto '.fec'
value_above hall longest_gap_ms 0 || fail 'gaps are not measured'
all_comes
wait_until 30 'Opus is told that it is over' said auto '.fec == false'
stop_both
"$HEAR_TONE" "$work/hall.wav" 440 8 120 || fail 'the tone is not heard'

# ---- forced ----

start_sender forced --listen 10.78.0.1:0 --frame-ms 10 --json --stats 0.5 --no-fec --red 2 tone:440
start_receiver yard --wav "$work/yard.wav"
wait_until 10 'yard plays' value_above yard packets 100
wait_until 5 'yard gets copies' said forced '.red == 1'
filter "$far" "$requests"
filter "$near" "$tenth"
wait_until 15 'copies are of use' value_above yard recovered_red 20
wait_until 15 'the losses are reported' said forced '.worst_loss_pct > 2'
stop_both
all_comes
! ever_said forced '.fec' || fail 'Opus prepares for losses in spite of --no-fec'

start_sender bare --listen 10.78.0.1:0 --frame-ms 10 --json --stats 0.5 --fec --red off tone:440
start_receiver shed --wav "$work/shed.wav"
wait_until 10 'shed plays' value_above shed packets 300
stop_both
! ever_said bare '.fec == false or .red > 0' || fail '--fec --red off is not what happens'
