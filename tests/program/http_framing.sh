#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Requests that two readers could cut or route in two ways are refused by pa-send, and nobody can keep it
# busy with a body that is never wanted.
. "$(dirname "$0")/lib.sh"
trap '' PIPE # the server may close first

start_sender send --listen 127.0.0.1:0 --insecure-http --json --stats 0.2 tone:440
port=$(sed -n 's,^serving .* on http://127.0.0.1:\([0-9]*\)/.*,\1,p' "$work/send.log")
bearer="Authorization: Bearer $(sed -n 's/^listener //p' "$work/send.state/tokens")"

# Send HEAD and BODY as they are; the answers' heads go to $work/heads, the status lines to $statuses.
send() { # FIELD... -- BODY
  local head=''
  while [ "$1" != -- ]; do
    head+=$1$'\r\n'
    shift
  done
  exec 7<> "/dev/tcp/127.0.0.1/$port"
  printf '%s\r\n%s' "$head" "$2" >&7 || true
  timeout 3 cat <&7 > "$work/heads" || true
  exec 7>&-
  statuses=$(sed -n 's/^HTTP\/1\.1 \([0-9]*\) .*/\1/p' "$work/heads" | tr '\n' ' ')
}

closes_with() { # STATUS WHAT
  [ "$statuses" = "$1 " ] || fail "$2: \"$statuses\" instead of one $1"
  grep -qi '^Connection: close' "$work/heads" || fail "$2: the connection stays"
}

next=$'GET /whep HTTP/1.1\r\nHost: x\r\n\r\n'
post='POST /whep HTTP/1.1'
sdp='Content-Type: application/sdp'
host='Host: 127.0.0.1'
send "$post" "$host" "$bearer" "$sdp" 'Content-Length: 4' 'Transfer-Encoding: chunked' -- $'3\r\nabc\r\n0\r\n\r\n'"$next"
closes_with 400 'two lengths'
send "$post" "$host" "$bearer" "$sdp" 'Content-Length: 4' 'Content-Length: 40' -- "abcd$next"
closes_with 400 'two Content-Length'
send "$post" "$host" "$bearer" "$sdp" 'Transfer-Encoding: gzip, chunked' -- $'0\r\n\r\n'"$next"
closes_with 400 'another encoding'
send "$post" "$host" "$bearer" "$sdp" 'Transfer-Encoding: identity' 'Transfer-Encoding: chunked' -- $'0\r\n\r\n'"$next"
closes_with 400 'two encodings'
send "$post" "$host" 'Content-Length: -1' -- "$next"
[[ $statuses == 400* ]] || fail "a negative length: $statuses"
send 'GET /whep HTTP/1.1' "$bearer" -- "$next"
closes_with 400 'no Host'
send 'GET / HTTP/1.1' "$host" 'Host: evil.example' -- "$next"
closes_with 400 'two Host'
send 'GET /whep HTTP/1.1' "$host" "$bearer" 'Authorization: Bearer 0123456789abcdef' -- "$next"
closes_with 400 'two tokens'

# A path ends where it ends.
send 'GET /whep%00/x HTTP/1.1' "$host" "$bearer" 'Connection: close' -- ''
[ "$statuses" = '404 ' ] || fail "a path with a NUL: $statuses"

# Who asks, and from where, is told once and in one way.
send 'GET / HTTP/1.1' "$host" 'Origin: http://127.0.0.1' 'Origin: https://evil.example' -- "$next"
closes_with 400 'two Origin'
for wrong in 'user@127.0.0.1' '127.0.0.1:80x' '127.0.0.1:65536' '127.0.0.1/x' 'a b' ''; do
  send 'GET / HTTP/1.1' "Host: $wrong" 'Connection: close' -- ''
  [[ $statuses == '400 ' ]] || fail "Host: $wrong: $statuses"
done
send 'GET / HTTP/1.0' -- ''
[ "$(head -n 1 "$work/heads" | cut -d ' ' -f 2)" = 421 ] || fail "HTTP/1.0 without Host: $(head -n 1 "$work/heads")"
send 'GET / HTTP/1.1' 'Host: evil.example' 'Connection: close' -- ''
[ "$statuses" = '421 ' ] || fail "a foreign Host: $statuses"

# Neither a request line nor fields without end: 431 or 414, and the end.
long=$(head -c 40000 /dev/zero | tr '\0' x)
send "GET /$long HTTP/1.1" "$host" -- ''
[[ $statuses =~ ^(414|431)\ $ ]] || fail "a long path: $statuses"
send 'GET /whep HTTP/1.1' "$host" "X-Long: $long" -- ''
[ "$statuses" = '431 ' ] || fail "a long field: $statuses"

# What is plain is served, twice by one connection.
send 'GET /whep HTTP/1.1' "$host" "$bearer" -- $'GET /whep HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
[ "$statuses" = '204 401 ' ] || fail "plain requests: $statuses"

# Floods: announced, they are refused at once; others are cut. The body would take long.
flood() { # FIELD
  local begin
  begin=$(date +%s%3N)
  exec 7<> "/dev/tcp/127.0.0.1/$port"
  printf '%s\r\n%s\r\n%s\r\n\r\n' "$post" "$host" "$1" >&7
  # `yes` fails in any case: what counts is whether `head` could write it all.
  if (set +o pipefail; yes $'1000\r\n'"$(head -c 4096 /dev/zero | tr '\0' x)"$'\r' 2> /dev/null |
    head -c 1000000000 >&7 2> /dev/null); then
    fail "a flood is taken in: $1"
  fi
  exec 7>&-
  [ $(($(date +%s%3N) - begin)) -le 5000 ] || fail "a flood is not cut: $1"
}
flood 'Content-Length: 1000000000'
flood 'Transfer-Encoding: chunked'
stop "$sender" || fail 'pa-send has not ended well'
