#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Six seconds without a packet go on in the same session; a receiver that was held up misses nothing that
# came, one that was stopped goes on as well; a server that was started anew is found out soon.
. "$(dirname "$0")/lib.sh"

calls() { # NAME
  grep -c -- '-> calling' "$work/$1.log"
}

ms_now() {
  date +%s%3N
}

silences() { # NAME
  grep -c 'silent -> playing' "$work/$1.log" || true
}

is_back() { # NAME COUNT
  [ "$(silences "$1")" -gt "$2" ]
}

start_sender send --listen 127.0.0.1:0 tone:440
start_receiver hall --wav "$work/hall.wav" --latency-ms 200 --log debug
wait_until 10 'hall plays' value_above hall packets 25
kill -STOP "$sender"
stopped=$(value hall t_s)
wait_until 3 'hall notices' value_is hall state silent
wait_until 10 'six seconds pass' value_above hall t_s "$stopped + 6"
before=$(silences hall)
begin=$(ms_now)
kill -CONT "$sender"
wait_until 5 'packets come again' is_back hall "$before"
took=$(($(ms_now) - begin))
[ "$took" -le 1000 ] || fail "sound came back after $took ms"
packets=$(value hall packets)
wait_until 5 'hall plays on' value_above hall packets "$packets + 50"
value_above hall level_dbfs -40 || fail 'hall plays nothing'
[ "$(calls hall)" -eq 1 ] || fail 'an outage of six seconds makes a new session'

# The receiver is held up for longer than packets wait to be played: what came meanwhile is not missed.
lost=$(value hall lost)
concealed=$(value hall concealed_ms)
kill -STOP "$receiver"
until=$(($(ms_now) + 400))
wait_until 5 'a moment passes' eval '[ "$(ms_now)" -ge "$until" ]'
kill -CONT "$receiver"
packets=$(value hall packets)
wait_until 5 'hall plays on' value_above hall packets "$packets + 75"
[ "$(value hall lost) $(value hall concealed_ms)" = "$lost $concealed" ] ||
  fail 'packets that were there are missed'
! value_above hall target_ms 200.5 || fail 'what came while it was held up counts as late'

# The receiver itself is stopped for a while: no burst of reports makes up for it.
kill -STOP "$receiver"
until=$((SECONDS + 4))
wait_until 10 'some seconds pass' eval '[ "$SECONDS" -ge "$until" ]'
stopped=$(value hall t_s)
kill -CONT "$receiver"
wait_until 10 'hall reports again' value_above hall t_s "$stopped + 5"
# The first may come any time before the next one is due.
grep '}$' "$work/hall.json" |
  jq -es '[.[].t_s] | [.[1:], .[:-1]] | transpose |
    map(select(.[0] - .[1] < 0.3)) | length <= 1' > /dev/null ||
  fail 'missed reports are made up for'
wait_until 5 'hall plays on' value_is hall state playing
[ "$(calls hall)" -eq 1 ] || fail 'a stopped receiver makes a new session'

# Killed and started again: its port answers nothing, and HTTP tells soon.
kill -KILL "$sender"
wait_until 5 'the server is gone' ended "$sender"
packets=$(value hall packets)
start_sender send --listen "$server" --log debug tone:440
begin=$(ms_now)
wait_until 10 'hall calls again' eval '[ "$(calls hall)" -eq 2 ]'
took=$(($(ms_now) - begin))
[ "$took" -le 4000 ] || fail "the new server was called after $took ms"
grep -q 'does not know this session any more' "$work/hall.log" || fail 'the reason is not told'
wait_until 5 'hall plays again' value_above hall packets "$packets + 50"
stop "$receiver" || fail 'pa-recv has not ended well'
stop "$sender" || fail 'pa-send has not ended well'
