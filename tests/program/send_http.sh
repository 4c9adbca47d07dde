#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What an HTTP client meets at pa-send: pinned TLS, statuses, headers, deadlines.
. "$(dirname "$0")/lib.sh"

start_sender send --listen 127.0.0.1:0 --json --stats 0.2 tone:440
url=https://$server/whep
offer=$SDP_VECTORS/chromium156-offer-recvonly.sdp

token_of() { # ROLE
  sed -n "s/^$1  *\([^ ]*\).*/\1/p" "$work/send.state/tokens"
}

# curl with the key that pa-send has printed; the head goes to $work/head, the body to $work/body.
ask() { # STATUS CURL-ARGUMENT...
  local wanted=$1 status
  shift
  status=$(curl -sk --max-time 20 --pinnedpubkey "$pin" -D "$work/head" -o "$work/body" \
    -w '%{http_code}' "$@") || fail "curl: $*"
  [ "$status" = "$wanted" ] || fail "$status instead of $wanted: $*"
}

header() { # NAME: its value
  sed -n "s/^$1: //Ip" "$work/head" | tr -d '\r'
}

as() { # ROLE: the arguments that carry its token
  printf 'Authorization: Bearer %s' "$(token_of "$1")"
}
sdp='Content-Type: application/sdp'

# A request that drips is cut after 10 s in all, although its connection never falls still: a byte with
# each of the server's own reports, five a second. Everything below goes on meanwhile.
mkfifo "$work/drip"
{ exec 9> "$work/drip"
  printf 'GET /' >&9
  timeout 25 tail --pid="$sender" -f -n 0 "$work/send.out" | while read -r _ && printf x >&9; do :; done; } 2> /dev/null &
started+=("$!")
{ timeout 20 openssl s_client -quiet -connect "$server" < "$work/drip" > /dev/null 2>&1 || true
  echo "$SECONDS" > "$work/cut"; } &
dripping=$!
started+=("$dripping")
begin=$SECONDS

[ "$(stat -c %a "$work/send.state/tokens")" = 600 ] || fail 'the tokens can be read by others'
[ "$(stat -c %a "$work/send.state/tls-key.pem")" = 600 ] || fail 'the key can be read by others'

status=0
curl -sk --max-time 20 --pinnedpubkey sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "$url" || status=$?
[ "$status" = 90 ] || fail "another pin is not noticed: curl gives $status"

ask 401 -H "$sdp" --data-binary "@$offer" "$url"
[[ $(header WWW-Authenticate) == Bearer* ]] || fail '401 without WWW-Authenticate'
ask 401 -H 'Authorization: Bearer 0123456789abcdef' -H "$sdp" --data-binary "@$offer" "$url"
ask 403 -H "$(as talker)" -H "$sdp" --data-binary "@$offer" "$url"
ask 415 -H "$(as listener)" --data-binary "@$offer" "$url"
ask 400 -H "$(as listener)" -H "$sdp" --data-binary 'v=0 nonsense' "$url"
ask 422 -H "$(as listener)" -H "$sdp" --data-binary \
  "$(sed 's/^a=recvonly/a=sendonly/' "$offer")" "$url"
head -c 65537 /dev/zero > "$work/big"
head -c 65536 /dev/zero > "$work/longest"
ask 413 -H "$(as listener)" -H "$sdp" --data-binary "@$work/big" "$url"
ask 413 -H "$(as listener)" -H "$sdp" -H 'Transfer-Encoding: chunked' --data-binary "@$work/big" \
  "$url"
ask 400 -H "$(as listener)" -H "$sdp" --data-binary "@$work/longest" "$url"
ask 404 "https://$server/nothing"

ask 204 -X OPTIONS "$url"
[ "$(header Access-Control-Allow-Origin)" = '*' ] || fail 'CORS: no origin'
[ "$(header Access-Control-Expose-Headers)" = 'Location, ETag, Link, Accept-Post, Accept-Patch' ] || fail 'CORS: no headers'
ask 200 -I -H "$(as listener)" "$url"
ask 204 -H "$(as listener)" "$url"

ask 201 -H "$(as listener)" -H "$sdp" --data-binary "@$offer" "$url"
[ "$(header Content-Type)" = application/sdp ] || fail 'the answer has another type'
[[ $(header ETag) == \"*\" ]] || fail 'no strong ETag'
location=$(header Location)
[[ $location =~ ^/whep/[0-9a-f]{32}$ ]] || fail "Location is $location"
grep -q '^a=candidate:.* 127\.0\.0\.1 .* typ host' "$work/body" || fail 'no candidate'
grep -q '^a=sendonly' "$work/body" || fail 'the answer does not send'
session=https://$server$location
ask 204 -H "$(as listener)" "$session"
ask 415 -X PATCH -H "$(as listener)" "$session"
ask 403 -X DELETE -H "$(as speaker)" "$session"
ask 200 -X DELETE -H "$(as listener)" "$session"
ask 404 -X DELETE -H "$(as listener)" "$session"

# TLS 1.2 and later, with forward secrecy and authenticated encryption; nothing older, nothing weaker. The
# client would take all.
handshake() { # ARGUMENT...
  openssl s_client -connect "$server" "$@" < /dev/null > "$work/handshake" 2>&1
}
for good in '-tls1_3' '-tls1_2' '-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256' \
  '-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384' '-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305'; do
  # shellcheck disable=SC2086
  handshake $good || fail "TLS: $good is refused"
done
for bad in '-tls1' '-tls1_1' '-tls1_2 -cipher AES128-GCM-SHA256' '-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA' \
  '-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256' '-tls1_2 -cipher ECDHE-ECDSA-AES128-CCM8' '-tls1_2 -cipher aNULL' \
  '-tls1_2 -cipher NULL' '-tls1_2 -sigalgs ECDSA+SHA1'; do
  [[ $bad == *-cipher* ]] && bad+=@SECLEVEL=0 || bad+=' -cipher DEFAULT@SECLEVEL=0'
  # shellcheck disable=SC2086
  ! handshake $bad || fail "TLS: $bad is taken"
  # It closes, with or without an alert or an end; openssl says something else of what it cannot offer.
  grep -qE 'unexpected eof while reading|:errno=104|alert (protocol version|handshake failure)' "$work/handshake" ||
    fail "TLS: $bad: not refused by pa-send"
done

wait "$dripping"
took=$(($(< "$work/cut") - begin))
[ "$took" -ge 9 ] && [ "$took" -le 13 ] || fail "a dripping request is cut after $took s"

# Its keys and tokens stay; a second one on its port is refused.
first=$pin
status=0
"$PA_SEND" --listen "$server" --udp-port 0 --state-dir "$work/send.state" tone:440 \
  2> "$work/second.log" || status=$?
[ "$status" = 1 ] && grep -q 'in use: choose another with --listen' "$work/second.log" ||
  fail 'the port is in use'
stop "$sender" || fail 'pa-send has not ended well'
start_sender send --listen 127.0.0.1:0 tone:440
[ "$pin" = "$first" ] || fail 'the key has changed over a restart'
stop "$sender" || fail 'pa-send has not ended well'
