#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What pa-recv does at answers that pa-send never gives: redirects, pauses, a server that is lite too.
. "$(dirname "$0")/lib.sh"

http() { # NAME STATUS-LINE FIELD... : a response without a body
  local name=$1 status=$2
  shift 2
  { printf 'HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n' "$status"
    [ $# -eq 0 ] || printf '%s\r\n' "$@"
    printf '\r\n'; } > "$work/$name.http"
}

# Starts the machine with these responses; sets port and machine.
start_machine() { # NAME RESPONSE...
  local name=$1 files=()
  shift
  local response
  for response in "$@"; do
    files+=("$work/$response.http")
  done
  "$ANSWERING_MACHINE" "${files[@]}" > "$work/$name.requests" &
  machine=$!
  started+=("$machine")
  wait_until 5 'the machine listens' grep -qs '^port' "$work/$name.requests"
  port=$(sed -n 's/^port //p' "$work/$name.requests")
  receive=("$PA_RECV" --server "http://127.0.0.1:$port/whep" --wav "$work/a.wav" --log warning)
}

requests_are() { # NAME LINE...
  local name=$1
  shift
  [ "$(sed 1d "$work/$name.requests" | head -n $#)" = "$(printf '%s\n' "$@")" ]
}

http gone '404 Not Found'
http there '307 Temporary Redirect' 'Location: /there?a=b'
http round '307 Temporary Redirect' 'Location: round'
http away '307 Temporary Redirect' 'Location: http://127.0.0.1:1/whep'
http later '503 Service Unavailable' 'Retry-After: 2'

start_machine there there gone
expect_refusal 2 '/there\?a=b.*404' "${receive[@]}"
requests_are there 'POST /whep lite' 'POST /there?a=b lite' || fail 'the redirect is not followed'

start_machine round round
expect_refusal 2 'redirected too often' "${receive[@]}"

start_machine away away
expect_refusal 2 'whose key is not known; refused' "${receive[@]}"

# "Later" is told with its pause, and is tried again; the end of the pause brings the 404.
start_machine later later gone
begin=$SECONDS
"${receive[@]}" 2> "$work/later.log" && fail 'a 404 is success'
[ $((SECONDS - begin)) -ge 1 ] || fail 'Retry-After is not honoured'
grep -q '503.*trying again in [23]\.[0-9] s' "$work/later.log" || fail 'the pause is not told'

# What an interim response says is no part of the answer.
printf 'HTTP/1.1 103 Early Hints\r\nLocation: /wrong\r\nRetry-After: 60\r\n\r\n' | cat - "$work/gone.http" |
  sed 's/404 Not Found/307 Temporary Redirect/' > "$work/hints.http"
start_machine hints hints
expect_refusal 2 'redirected too often' "${receive[@]}"
! grep -q wrong "$work/hints.requests" || fail 'a hint was followed'

# A body without end is not taken in.
{ printf 'HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Type: application/sdp\r\n\r\n'
  head -c 100000 /dev/zero | tr '\0' x; } > "$work/endless.http"
start_machine endless endless gone
"${receive[@]}" 2> "$work/endless.log" && fail 'a 404 is success'
grep -q 'its answer is longer than 65536 bytes; trying again' "$work/endless.log" ||
  fail 'the length is not told'

# The longest one is, and is no description.
{ printf 'HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Type: application/sdp\r\n\r\n'
  head -c 65536 /dev/zero | tr '\0' x; } > "$work/longest.http"
start_machine longest longest gone
"${receive[@]}" 2> "$work/longest.log" && fail 'a 404 is success'
grep -q 'is longer than' "$work/longest.log" && fail 'the longest answer is too long'

# A server that is lite too: that session is ended, and the next offer is full.
write_created "$work/lite.http" 'a=ice-lite' 'Location: /whep/17'
start_machine lite lite gone
"${receive[@]}" > "$work/lite.out" 2> "$work/lite.log" || true
[ "$(sed 1d "$work/lite.requests" | sort | head -n 3 | tr '\n' ,)" = \
  'DELETE /whep/17,POST /whep,POST /whep lite,' ] || fail "not: $(cat "$work/lite.requests")"

start_machine strict lite gone
expect_refusal 2 'use --ice full or auto' "${receive[@]}" --ice lite

# ---- over TLS: a redirect keeps to the pinned key, wherever it leads, and the token with it ----

for name in one other; do
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/$name.key" -out "$work/$name.crt" \
    -days 3 -subj "/CN=$name" 2> /dev/null
done
one_pin=sha256//$(openssl x509 -in "$work/one.crt" -noout -pubkey |
  openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64)

# One connection with key `one` that is answered with a redirect to $server; sets port.
start_redirect() { # NAME
  printf 'HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n' \
    "https://$server/whep" > "$work/$1.http"
  mkfifo "$work/$1.in"
  exec 6<> "$work/$1.in"
  openssl s_server -accept 127.0.0.1:0 -cert "$work/one.crt" -key "$work/one.key" -naccept 1 \
    < "$work/$1.in" > "$work/$1.out" 2> /dev/null &
  started+=("$!")
  cat "$work/$1.http" >&6
  wait_until 5 'the redirect listens' grep -q '^ACCEPT' "$work/$1.out"
  port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$work/$1.out" | head -n 1)
}

start_sender other --listen 127.0.0.1:0 --tls-cert "$work/other.crt" --tls-key "$work/other.key" --log info \
  tone:440
start_redirect away_tls
expect_refusal 2 "redirects to https://$server/whep, which shows another key: wanted ${one_pin//+/\\+}" "$PA_RECV" \
  --server "https://127.0.0.1:$port/whep" --pin "$one_pin" --token-file "$token" --wav "$work/a.wav" --log error
! grep -q 'POST' "$work/other.log" || fail 'a server with another key got the offer'
stop "$sender" || fail 'pa-send has not ended well'

start_sender one --listen 127.0.0.1:0 --tls-cert "$work/one.crt" --tls-key "$work/one.key" tone:440
start_redirect same_tls
"$PA_RECV" --server "https://127.0.0.1:$port/whep" --pin "$one_pin" --token-file "$token" --json \
  --wav "$work/a.wav" > "$work/same.json" 2> "$work/same.log" &
receiver=$!
started+=("$receiver")
wait_until 10 'it plays from where it was sent to' value_is same state playing
stop "$receiver" || fail 'pa-recv has not ended well'
stop "$sender" || fail 'pa-send has not ended well'
