#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A server that wants to hold up pa-recv, to fill its memory or to mislead it: each answer has a bound in
# time and in bytes, gets a line that says what is wrong, and is tried again as long as that may help.
. "$(dirname "$0")/lib.sh"

# Start a machine that gives this answer again and again, and a pa-recv that asks it; sets port,
# receiver. The options are the machine's.
start_pair() { # NAME [OPTION]
  local name=$1
  shift
  rm -f "$work/$name.requests" # of a machine before: it has another port
  "$ANSWERING_MACHINE" "$@" "$work/$name.http" > "$work/$name.requests" &
  started+=("$!")
  wait_until 5 'the machine listens' grep -qs '^port' "$work/$name.requests"
  port=$(sed -n 's/^port //p' "$work/$name.requests")
  "$PA_RECV" --server "http://127.0.0.1:$port/whep" --wav "$work/$name.wav" --log warning \
    --state-dir "$work/$name.state" > /dev/null 2> "$work/$name.log" &
  receiver=$!
  started+=("$receiver")
}

created() { # TYPE: the head of an answer without a length
  printf 'HTTP/1.1 201 Created\r\nConnection: close\r\nLocation: /whep/17\r\nContent-Type: %s\r\n\r\n' "$1"
}

repeat() { # COUNT LINE
  # shellcheck disable=SC2046,SC2059
  printf "$2\\r\\n%.0s" $(seq "$1")
}

lines_in() { # NAME
  wc -l < "$work/$1.log"
}

asked_twice() { # NAME
  [ "$(grep -c '^POST' "$work/$1.requests")" -ge 2 ]
}

# ---- answers that may be better the next time ----

{ printf 'HTTP/1.1 201 Created\r\n'
  repeat 7000 'X-More: of this'; } > "$work/fields.http"
{ printf 'HTTP/1.1 201 Created\r\nX-More: '
  head -c 120000 /dev/zero | tr '\0' x; } > "$work/field.http"
repeat 2500 'HTTP/1.1 103 Early Hints\r\nX-More: of this\r\n' > "$work/interim.http"
{ created application/sdp
  head -c 120000 /dev/zero | tr '\0' x; } > "$work/body.http"
{ printf 'HTTP/1.1 201 Created\r\nContent-Type: application/sdp\r\nContent-Length: 99999999999\r\n\r\n'
  head -c 120000 /dev/zero; } > "$work/length.http"
head -c 4000 /dev/urandom > "$work/noise.http"
{ created application/sdp; head -c 4000 /dev/urandom; } > "$work/random.http"
{ created application/sdp; printf 'v=0\r\n'; } > "$work/short.http"
{ created application/sdp; printf 'v=0\r\no=\0\0\0'; } > "$work/nul.http"
write_created "$work/whole.http" 'a=x' 'Location: /whep/17'
head -c 400 "$work/whole.http" > "$work/cut.http"
{ sed -n '1,/^\r$/p' "$work/whole.http" | grep -v '^Content-Length'
  sed '1,/^\r$/d' "$work/whole.http"
  repeat 1200 'a=candidate:1 1 udp 1 192.0.2.1 9 typ host'; } > "$work/candidates.http"

# The slowest first: it ends with its deadline, 10 s.
{ printf 'HTTP/1.1 201 Created\r\n'
  repeat 100 'X-More: of this'; } > "$work/drip.http"
begin=$SECONDS
start_pair drip -d
drip=$receiver

passing=(fields field interim body length noise random short nul cut)
declare -A receivers
for name in "${passing[@]}" candidates; do
  start_pair "$name"
  receivers[$name]=$receiver
done
for name in "${passing[@]}"; do
  wait_until 10 "$name is tried again" asked_twice "$name"
  grep -Eq '; trying again in [0-9.]+ s$' "$work/$name.log" || fail "$name: no line that says why"
done
for name in fields field interim body length; do
  grep -q 'its answer is longer than 65536 bytes; trying again' "$work/$name.log" ||
    fail "$name: the bound is not told"
done
wait_until 5 'a session with many candidates is made' grep -qs '^POST' "$work/candidates.requests"

# Whatever came, none has grown.
for name in "${!receivers[@]}"; do
  alive "${receivers[$name]}" || fail "$name: pa-recv has ended"
  [ "$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/${receivers[$name]}/status")" -lt 40000 ] ||
    fail "$name: more than 40 MB"
  [ "$(lines_in "$name")" -le 12 ] || fail "$name: more than a line a try"
  stop "${receivers[$name]}" || fail "$name: pa-recv has not ended well"
done

# ---- answers that cannot get better: one line, exit status 2 ----

refused() { # NAME PATTERN
  local status=0
  start_pair "$1"
  wait_until 5 "$1 is refused" ended "$receiver"
  wait "$receiver" || status=$?
  [ "$status" -eq 2 ] || fail "$1: exit status $status"
  [ "$(lines_in "$1")" -eq 1 ] || fail "$1: not one line"
  grep -Eq "$2" "$work/$1.log" || fail "$1: no \"$2\""
  ! grep -qP '[\x00-\x09\x0b-\x1f\x7f]' "$work/$1.log" || fail "$1: it can write to the terminal"
}
{ created $'text/html\x1b[2J\x07'; echo '<html>'; } > "$work/escape.http"
refused escape 'instead of application/sdp'
for target in 'file:///etc/passwd' 'ftp://127.0.0.1/' 'https://127.0.0.1:1/' $'/\x1b[2J' "/$(head -c 3000 /dev/zero | tr '\0' x)"; do
  printf 'HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n' \
    "$target" > "$work/redirect.http"
  refused redirect .
done

# ---- a session at another host: its address is not believed ----

printf 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' > "$work/bystander.http"
"$ANSWERING_MACHINE" "$work/bystander.http" > "$work/bystander.requests" &
started+=("$!")
wait_until 5 'the bystander listens' grep -qs '^port' "$work/bystander.requests"
bystander=$(sed -n 's/^port //p' "$work/bystander.requests")
write_created "$work/elsewhere.http" 'a=x' "Location: http://127.0.0.1:$bystander/whep/17"
start_pair elsewhere
wait_until 5 'the address is refused' grep -q 'names no address to end the session at' "$work/elsewhere.log"
stop "$receiver" || fail 'pa-recv has not ended well'
[ "$(wc -l < "$work/bystander.requests")" -eq 1 ] || fail 'a bystander was asked'

# ---- the slow one ----

wait_until 14 'what drips is given up' grep -q 'trying again' "$work/drip.log"
[ $((SECONDS - begin)) -ge 9 ] || fail 'what drips is given up too early'
alive "$drip" || fail 'pa-recv has ended'
stop "$drip" || fail 'pa-recv has not ended well'
