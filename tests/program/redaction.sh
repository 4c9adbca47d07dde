#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Neither program writes a secret, at --log debug, through sessions that work and requests that do not: no
# token, in whatever place a client puts it, no ICE password, no private key.
. "$(dirname "$0")/lib.sh"
trap '' PIPE # the server may close first

offer=$SDP_VECTORS/chromium156-offer-recvonly.sdp

token_of() { # SENDER ROLE
  sed -n "s/^$2  *\([^ ]*\).*/\1/p" "$work/$1.state/tokens"
}

has_left() { # the server has heard the farewell
  grep -q 'DELETE /whep/\*: ' "$work/tls.log"
}

# ---- a session that works, over TLS, with the key learnt at first contact; then a wrong token ----

start_sender tls --listen 127.0.0.1:0 --log debug --json --stats 0.5 tone:440
"$PA_RECV" --server "$server" --token-file "$token" --gain-db 0 --json --state-dir "$work/one.state" \
  --wav "$work/one.wav" --log debug > "$work/one.json" 2> "$work/one.log" &
receiver=$!
started+=("$receiver")
wait_until 10 'it plays' value_is one state playing
stop "$receiver" || fail 'pa-recv has not ended well'
wait_until 5 'the session is over' has_left
for role in listener speaker talker admin; do
  token_of tls "$role"
done > "$work/secrets"
echo wrong-token-of-nobody > "$work/wrong"
cat "$work/wrong" >> "$work/secrets"
expect_refusal_at_debug() { # PATTERN ARGUMENT...
  local pattern=$1 status=0
  shift
  timeout 10 "$PA_RECV" --server "$server" --state-dir "$work/one.state" --wav "$work/two.wav" --log debug "$@" \
    > "$work/two.json" 2> "$work/two.log" || status=$?
  [ "$status" -eq 2 ] && grep -q "$pattern" "$work/two.log" || fail "status $status, or no $pattern"
  cat "$work/two.log" "$work/two.json" >> "$work/refused.log"
}
expect_refusal_at_debug 401 --token-file "$work/wrong"
token_of tls talker > "$work/talker"
expect_refusal_at_debug 403 --token-file "$work/talker"
printf '%s with more\n' "$(token_of tls speaker)" > "$work/malformed"
expect_refusal_at_debug 'first line' --token-file "$work/malformed"
chmod 644 "$work/wrong"
expect_refusal_at_debug 'chmod 600' --token-file "$work/wrong"
chmod 600 "$work/wrong"
expect_refusal_at_debug 'user name or password' --server "https://$(token_of tls admin)@$server/whep"

# A session by hand: its answer has a password too.
curl -sk --max-time 10 -H "Authorization: Bearer $(token_of tls listener)" -H 'Content-Type: application/sdp' \
  --data-binary "@$offer" -o "$work/answer" "https://$server/whep"
sed -n 's/^a=ice-pwd:\(.*\)\r/\1/p' "$offer" "$work/answer" >> "$work/secrets"
stop "$sender" || fail 'pa-send has not ended well'
sed '/^-----/d' "$work/tls.state/tls-key.pem" >> "$work/secrets"

# ---- the password of pa-recv, which stands in its offer ----

write_created "$work/created.http" 'a=x' 'Location: /whep/17'
"$ANSWERING_MACHINE" -o "$work/offers" "$work/created.http" > "$work/machine.requests" &
started+=("$!")
wait_until 5 'the machine listens' grep -qs '^port' "$work/machine.requests"
"$PA_RECV" --server "http://127.0.0.1:$(sed -n 's/^port //p' "$work/machine.requests")/whep" --wav "$work/three.wav" \
  --token-file "$token" --state-dir "$work/one.state" --log debug > "$work/three.json" 2> "$work/three.log" &
receiver=$!
started+=("$receiver")
wait_until 5 'its checks run' grep -qs 'ice: .*-> checking' "$work/three.log"
stop "$receiver" || fail 'pa-recv has not ended well'
{ sed -n 's/^a=ice-pwd:\(.*\)\r/\1/p' "$work/offers"; echo abcdefghijklmnopqrstuv; } >> "$work/secrets"

# ---- tokens in wrong places ----

start_sender plain --listen 127.0.0.1:0 --insecure-http --log debug --json --stats 0.5 tone:440
port=$(sed -n 's,^serving .* on http://127.0.0.1:\([0-9]*\)/.*,\1,p' "$work/plain.log")
secret=$(token_of plain admin)
echo "$secret" >> "$work/secrets"
answered=0
raw() { # LINE...: sent as they are, with an empty line behind
  exec 7<> "/dev/tcp/127.0.0.1/$port"
  printf '%s\r\n' "$@" '' >&7 2> /dev/null || true
  exec 7>&-
}
told() { # LINE...: the same, and there is an answer
  exec 7<> "/dev/tcp/127.0.0.1/$port"
  printf '%s\r\n' "$@" 'Connection: close' '' >&7 2> /dev/null || true
  timeout 5 cat <&7 > "$work/told" || true
  exec 7>&-
  grep -q '^HTTP/1' "$work/told" || fail "no answer to: $1"
  answered=$((answered + 1))
}
host='Host: 127.0.0.1'
long=$(head -c 40000 /dev/zero | tr '\0' x)
told "GET /$secret HTTP/1.1" "$host"
told "GET /whep/$secret HTTP/1.1" "$host"
told "GET /whep?token=$secret HTTP/1.1" "$host"
told "GET http://$secret@127.0.0.1/whep HTTP/1.1" "$host"
told "$secret /whep HTTP/1.1" "$host"
told "GET /whep HTTP/1.1" "$host" "Authorization: $secret"
told "GET /whep HTTP/1.1" "$host" "Authorization: Basic $secret"
told "GET /whep HTTP/1.1" "$host" "Authorization: Bearer $secret $secret"
told "GET /whep HTTP/1.1" "$host" "Authorization: Bearer $secret" "Authorization: Bearer $secret"
told "GET /whep HTTP/1.1" "Host: $secret@127.0.0.1"
told "GET / HTTP/1.1" "$host" "Origin: https://$secret"
told "GET /whep HTTP/1.1" "$host" "Cookie: token=$secret" "X-$secret: $secret"
told "GET /$secret/$long HTTP/1.1" "$host"
told "GET /whep HTTP/1.1" "$host" "X-Long: $secret$long"
told "POST /whep HTTP/1.1" "$host" "Authorization: Bearer $secret" "Content-Type: $secret" 'Content-Length: 0'
raw "GET /whep $secret"
raw "$secret"
raw "GET /whep HTTP/1.1" "$host" "$secret without a colon"
raw "POST /$secret HTTP/1.1" "$host" 'Transfer-Encoding: chunked' '' "$secret"
raw "GET /page.js?$secret HTTP/1.1" "$host" # leaves before the answer
# Its own plain port does not speak TLS.
openssl s_client -connect "127.0.0.1:$port" -servername "$secret" < /dev/null > /dev/null 2>&1 || true
curl -s --max-time 10 -H "Authorization: Bearer $secret" -H 'Content-Type: application/sdp' \
  --data-binary "v=0 $secret" -o /dev/null "http://127.0.0.1:$port/whep"
stop "$sender" || fail 'pa-send has not ended well'

# ---- what was written ----

written=("$work"/{tls,plain,one,two,three,refused}.log "$work"/{tls,plain}.out "$work"/{one,two,three}.json)
[ "$(grep -c 'info http: ' "$work/plain.log")" -ge 12 ] || fail 'requests are not logged'
[ "$(wc -l < "$work/secrets")" -ge 13 ] || fail 'secrets are missing'
! grep -q '^.\{0,15\}$' "$work/secrets" || fail 'a secret is no secret'
grep -HnF -f "$work/secrets" "${written[@]}" && fail 'a secret was written'
# And nothing else that could be one: but keys' pins, which are public, and paths of this test.
sed "s#sha256//[A-Za-z0-9+/=]*##g; s#$work##g" "${written[@]}" | grep -nE '[A-Za-z0-9+/=_-]{22,}' > "$work/long" || true
grep -vE '^[0-9]+:\{"t_s"|recovered|jitter_buffer' "$work/long" && fail 'something long was written'
echo "$answered answers, $(wc -l < "$work/secrets") secrets, $(cat "${written[@]}" | wc -l) lines"
