#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The web page as an HTTP client sees it: its files, its policy, and for whom it is.
. "$(dirname "$0")/lib.sh"

start_sender send --listen 127.0.0.1:0 --host-name pa.example.org --host-name hall tone:440
origin=https://$server

ask() { # STATUS CURL-ARGUMENT...
  local wanted=$1 status
  shift
  status=$(curl -sk --max-time 10 --pinnedpubkey "$pin" -D "$work/head" -o "$work/body" \
    -w '%{http_code}' "$@") || fail "curl: $*"
  [ "$status" = "$wanted" ] || fail "$status instead of $wanted: $*"
}

header() { # NAME: its value
  sed -n "s/^$1: //Ip" "$work/head" | tr -d '\r'
}

grep -q "^web page to listen and talk: $origin/\$" "$work/send.log" || fail 'the page is not announced'
folder=$(dirname "$0")/../../examples/pa-send/page
for file in index.html:text/html page.css:text/css page.js:text/javascript session.js:text/javascript \
  icon.svg:image/svg+xml; do
  ask 200 "$origin/${file%%:*}"
  cmp -s "$work/body" "$folder/${file%%:*}" || fail "${file%%:*} is not what the source has"
  [[ $(header Content-Type) == "${file#*:}"* ]] || fail "the type of ${file%%:*}"
done
ask 200 "$origin/"
cmp -s "$work/body" "$folder/index.html" || fail '/ is not the page'
ask 200 -I "$origin/"
ask 404 "$origin/page.h"
ask 405 -X POST --data x "$origin/"
[ "$(header Allow)" = 'GET, HEAD' ] || fail '405 without Allow'

# Who asks from a page of elsewhere gets nothing, nor who does not say from where.
for foreign in https://else.where null "http://$server" "$origin.else.where" "$origin/"; do
  ask 403 -H "Origin: $foreign" "$origin/"
  [ -z "$(header Access-Control-Allow-Origin)" ] || fail 'a refusal can be read from elsewhere'
done
ask 200 -H "Origin: $origin" "$origin/"

# Nothing in the page needs more than the policy grants.
ask 200 "$origin/"
policy=$(header Content-Security-Policy)
for part in "default-src 'none'" "script-src 'self'" "style-src 'self'" "connect-src 'self'" \
  "base-uri 'none'" "form-action 'none'" "frame-ancestors 'none'"; do
  [[ $policy == *"$part"* ]] || fail "the policy is without $part"
done
[[ $policy != *unsafe* ]] || fail 'the policy allows something unsafe'
[ -z "$(header Access-Control-Allow-Origin)" ] || fail 'the page can be read from elsewhere'
[ "$(header Cross-Origin-Resource-Policy)" = same-origin ] || fail 'the page can be used from elsewhere'
[ "$(header Referrer-Policy)" = no-referrer ] || fail 'the address is told'
[ "$(header X-Content-Type-Options)" = nosniff ] || fail 'types are guessed'
grep -Eq '<script>|<style|style=| on[a-z]+=|javascript:|//[a-z]' "$folder/index.html" &&
  fail 'something inline, or from elsewhere'

# Other names than this host's: DNS rebinding.
for host in localhost "$(uname -n)" "$(uname -n | sed 's/\..*//').local:8443" pa.example.org HALL:1 '[::1]:9'; do
  ask 200 -H "Host: $host" "$origin/"
done
for host in evil.example localhost.evil.example 127.0.0.1.evil.example; do
  ask 421 -H "Host: $host" "$origin/"
  grep -q host-name "$work/body" || fail '421 without advice'
done
for host in user@127.0.0.1 127.0.0.1:port localhost:99999 'local host' ::1; do
  ask 400 -H "Host: $host" "$origin/"
done
stop "$sender" || fail 'pa-send has not ended well'
