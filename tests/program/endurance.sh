#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: endurance.sh SECONDS
# Twenty receivers, or six for less than two minutes, come and go at random, by SIGTERM and, where time
# allows to wait for what vanished, by SIGKILL. Then descriptors and sessions of pa-send, and after many of
# them its memory, are back where they began, and it serves the next one.
. "$(dirname "$0")/lib.sh"

seconds=${1:?}
places=6
RANDOM=${PAW_SEED:-1}

# What vanishes is waited for until consent runs out, 30 s.
vanishes=no
if [ "$seconds" -ge 120 ]; then
  places=20
  vanishes=yes
fi

start_sender send --listen 127.0.0.1:0 --json --stats 0.2 tone:440
ln -s send.out "$work/send.json"

rss_kb() {
  awk '/^VmRSS:/ { print $2 }' "/proc/$sender/status"
}

descriptors() {
  find "/proc/$sender/fd" -mindepth 1 | wc -l
}

sender_has() { # COUNT
  value_is send connected "$1" && value_is send peers "$1"
}

reported_anew() {
  [ "$(value send t_s)" != "$last_report" ]
}

places_taken() {
  local place count=0
  for ((place = 0; place < places; place++)); do
    [ -z "${at[place]:-}" ] || count=$((count + 1))
  done
  echo "$count"
}

enter() { # PLACE
  start_receiver "place$1" --wav "$work/place$1.wav" --log warning
  at[$1]=$receiver
  born[$1]=$SECONDS
  entered=$((entered + 1))
}

leave() { # PLACE
  local pid=${at[$1]}
  if [ "$vanishes" = yes ] && [ "$leaving" = at-random ] && [ $((RANDOM % 3)) -eq 0 ]; then
    kill -KILL "$pid" || fail "the receiver at place $1 is gone"
    wait "$pid" 2> "$work/killed.txt" || true
    vanished=$((vanished + 1))
  else
    stop "$pid" || fail "the receiver at place $1 has not ended well"
    # Who has had time to connect has heard, whatever the others did.
    [ $((SECONDS - born[$1])) -lt 8 ] || value_above "place$1" packets 100 ||
      fail "the receiver at place $1 has heard nothing in $((SECONDS - born[$1])) s"
  fi
  at[$1]=''
  rm -f "$work/place$1".*
}

leave_all() {
  local place leaving=together
  for ((place = 0; place < places; place++)); do
    [ -z "${at[place]:-}" ] || kill -TERM "${at[place]}" || fail "the receiver at place $place is gone"
  done
  for ((place = 0; place < places; place++)); do
    [ -z "${at[place]:-}" ] || leave "$place"
  done
}

fill() {
  local place
  for ((place = 0; place < places; place++)); do
    [ -n "${at[place]:-}" ] || enter "$place"
  done
  wait_until 30 'all places are connected' sender_has "$places"
}

leaving=at-random
at=()
born=()
entered=0
vanished=0

before_descriptors=$(descriptors)

# What a house full needs once stays: memory is measured from here.
fill
leave_all
wait_until 45 'the first have gone' sender_has 0
before_rss=$(rss_kb)
vanished=0
last_report=$(value send t_s)

end=$((SECONDS + seconds))
while [ "$SECONDS" -lt "$end" ]; do
  place=$((RANDOM % places))
  if [ -z "${at[place]:-}" ]; then
    enter "$place"
  elif [ $((RANDOM % 3)) -eq 0 ]; then
    leave "$place"
  fi
  # One comes or goes with each report, so that it is seen that these go on.
  wait_until 10 'pa-send reports' reported_anew
  last_report=$(value send t_s) || fail 'pa-send reports nothing'
done
most=$(places_taken)
peak_rss=$(rss_kb)
leave_all

wait_until 60 'the sender has forgotten them' sender_has 0
descriptors_back() {
  [ "$(descriptors)" -le "$before_descriptors" ]
}
wait_until 15 "there are no more descriptors than $before_descriptors" descriptors_back
after_rss=$(rss_kb)
echo "in $seconds s $entered came, $vanished vanished, $most were there at the end;" \
  "RSS before $before_rss kB, with them $peak_rss kB, after $after_rss kB;" \
  "descriptors $before_descriptors, then $(descriptors)"
[ "$entered" -gt "$places" ] || fail 'nobody has come and gone'
# What malloc holds hides a few sessions that were not freed: the long form is for them.
[ $((after_rss - before_rss)) -lt 1024 ] || fail "RSS has grown by $((after_rss - before_rss)) kB"

enter 0
wait_until 30 'one more hears' value_above place0 packets 50
leave 0
stop "$sender" || fail 'pa-send has not ended well'
