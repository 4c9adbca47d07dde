#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A WHEP server that answers with an offer of its own (406), and one that restarts no ICE: what pa-recv
# says to them, and that it plays. Whoever misuses either gets a refusal in words.
. "$(dirname "$0")/lib.sh"

echo 0123456789abcdef > "$work/token"
token='[Bearer 0123456789abcdef]'
date='Date: Wed, 09 Oct 2024 10:00:00 GMT'

response() { # NAME STATUS-LINE BODY-FILE FIELD...
  local name=$1 status=$2 body=$3
  shift 3
  { printf 'HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n' "$status" "$(stat -c %s "$body")"
    [ $# -eq 0 ] || printf '%s\r\n' "$@"
    printf '\r\n'
    cat "$body"; } > "$work/$name.http"
}

# Starts the machine with these responses; sets port and receive.
start_machine() { # NAME RESPONSE...
  local name=$1 files=() response
  shift
  for response in "$@"; do
    files+=("$work/$response.http")
  done
  "$ANSWERING_MACHINE" -b "$work/answers" "${files[@]}" > "$work/$name.requests" &
  started+=("$!")
  wait_until 5 'the machine listens' grep -qs '^port' "$work/$name.requests"
  port=$(sed -n 's/^port //p' "$work/$name.requests")
  receive=("$PA_RECV" --server "http://127.0.0.1:$port/whep" --wav "$work/a.wav" --latency-ms 200
    --gain-db 0 --token-file "$work/token" --state-dir "$work/state")
}

asked() { # NAME LINE...: those are among the requests, in this order
  local name=$1
  shift
  awk -v count=$# 'NR == FNR { wanted[NR] = $0; next } $0 == wanted[at + 1] { at++ }
    END { exit at < count }' \
    <(printf '%s\n' "$@") "$work/$name.requests"
}

offer_is_whole() {
  grep -q '^$' "$work/offer" 2> /dev/null
}

mkfifo "$work/answers"
exec 8<> "$work/answers"
"$TALK" actpass 440 60 < "$work/answers" > "$work/offer" 2> "$work/talk.log" &
talker=$!
started+=("$talker")
wait_until 5 'the server makes an offer' offer_is_whole
sed '/^$/d' "$work/offer" > "$work/counter"
sed 's/^a=sendonly/a=recvonly/' "$work/counter" > "$work/listens"
: > "$work/nothing"
echo nonsense > "$work/nonsense"

sdp='Content-Type: application/sdp'
soon='; valid-until="Wed, 09 Oct 2024 10:00:20 GMT"'
past='; valid-until="Wed, 09 Oct 2024 09:59:59 GMT"'
links=('Link: <turn:192.0.2.1?transport=udp>; rel="ice-server"; username="u"; credential="c"'
  'Link: <stun:>; rel="ice-server"' 'Link: ;;;<' 'Link: <urn:x>; rel="urn:ietf:params:whep:ext:x"')
response counter '406 Not Acceptable' "$work/counter" "$sdp$soon" "$date" 'Location: /whep/17' "${links[@]}"
response late '406 Not Acceptable' "$work/counter" "$sdp$past" "$date" 'Location: /whep/17'
response nowhere '406 Not Acceptable' "$work/counter" "$sdp"
response away '406 Not Acceptable' "$work/counter" "$sdp" 'Location: http://127.0.0.2:1/17'
response listens '406 Not Acceptable' "$work/listens" "$sdp" 'Location: /whep/17'
response nonsense '406 Not Acceptable' "$work/nonsense" "$sdp" 'Location: /whep/17'
response plain '406 Not Acceptable' "$work/nonsense" 'Content-Type: text/plain'
response page '201 Created' "$work/counter" 'Content-Type: text/html' 'Location: /whep/17'
response taken '204 No Content' "$work/nothing" 'ETag: "one"'
response bad '400 Bad Request' "$work/nothing"
response no '405 Method Not Allowed' "$work/nothing"
response gone '404 Not Found' "$work/nothing"

# ---- refusals ----

start_machine nowhere nowhere gone
expect_refusal 2 'does not say where to answer' "${receive[@]}" --log error
start_machine away away gone
expect_refusal 2 'does not say where to answer' "${receive[@]}" --log error
# A pin proves nothing without TLS.
start_machine pinned away gone
expect_refusal 2 'does not say where to answer' "${receive[@]}" --log error \
  --pin sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
start_machine listens listens gone
expect_refusal 2 'its offer sends no audio' "${receive[@]}" --log error
start_machine nonsense nonsense gone
expect_refusal 2 'its offer cannot be used' "${receive[@]}" --log error
start_machine plain plain gone
expect_refusal 2 'refuses the offer \(406\)' "${receive[@]}" --log error
start_machine page page gone
expect_refusal 2 '"text/html" instead of application/sdp' "${receive[@]}" --log error

# Too late is tried again.
start_machine late late gone
expect_refusal 2 '404' "${receive[@]}" --log error
asked late "POST /whep lite [application/sdp] $token" "DELETE /whep/17 $token" ||
  fail "not: $(cat "$work/late.requests")"

# ---- sound ----

start_machine good counter taken no
"${receive[@]}" --json > "$work/good.json" 2> "$work/good.log" &
receiver=$!
started+=("$receiver")
wait_until 10 'it plays' value_above good packets 25
value_is good state playing || fail 'it does not play'
asked good "POST /whep lite [application/sdp] $token" "PATCH /whep/17 lite [application/sdp] $token" ||
  fail "not: $(cat "$work/good.requests")"

# After 20 s without a packet ICE is restarted; where that is not known, a new session is asked for.
kill -STOP "$talker"
wait_until 26 'ICE is restarted' asked good "PATCH /whep/17 lite [application/sdp] $token" \
  "PATCH /whep/17 lite [application/trickle-ice-sdpfrag] [\"*\"] $token"
wait_until 5 'it calls anew' asked good \
  "PATCH /whep/17 lite [application/trickle-ice-sdpfrag] [\"*\"] $token" \
  "DELETE /whep/17 $token" "POST /whep lite [application/sdp] $token"
grep -q 'ICE cannot be restarted there (405)' "$work/good.log" || fail 'the reason is not told'
alive "$receiver" || fail 'a server without restarts ends pa-recv'
stop "$receiver" || fail 'pa-recv has not ended well'

# An answer that is not taken is told.
kill -KILL "$talker"
wait "$talker" 2> /dev/null || true
start_machine refused counter bad gone
expect_refusal 2 'the answer to its offer was not taken \(400\)' "${receive[@]}" --log error
