#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# WHEP (draft-ietf-wish-whep) and WHIP (RFC 9725) at pa-send as a table: request, status, headers.
. "$(dirname "$0")/lib.sh"

start_sender send --listen 127.0.0.1:0 tone:440
bound=boundboundboundbound
{ cat "$work/send.state/tokens"; echo "speaker $bound hall"; } > "$work/tokens"
stop "$sender" || fail 'pa-send has not ended well'
cat "$work/tokens" > "$work/send.state/tokens"

token_of() { # ROLE
  sed -n "s/^$1  *\([^ ]*\).*/\1/p" "$work/send.state/tokens" | head -n 1
}

recvonly=$SDP_VECTORS/chromium156-offer-recvonly.sdp
sed 's/^a=recvonly/a=sendonly/' "$recvonly" > "$work/sendonly"
sed 's/^a=recvonly/a=sendrecv/' "$recvonly" > "$work/sendrecv"
sed 's/^a=recvonly/a=inactive/' "$recvonly" > "$work/inactive"
sed 's/^m=audio/m=video/' "$recvonly" > "$work/video"
{ cat "$work/sendonly"; sed -n '/^m=/,$p' "$work/sendonly" | sed 's/^a=mid:.*/a=mid:1\r/'; } > "$work/two"
{ cat "$recvonly"; sed -n '/^m=/,$p' "$recvonly" | sed 's/^m=audio/m=video/; s/^a=mid:.*/a=mid:1\r/'; } > "$work/film"
echo nonsense > "$work/nonsense"
: > "$work/empty"
head -c 70000 /dev/zero > "$work/big"

credentials=$(grep -E '^a=ice-(ufrag|pwd)' "$recvonly")
candidate='a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host'
media=$'m=audio 9 RTP/AVP 0\r\na=mid:0\r\n'
printf '%s\r\n%s%s\r\n' "$credentials" "$media" "$candidate" > "$work/candidates"
printf '%s\r\n' "${candidate#a=}" > "$work/bare"
printf '%s\r\n%sa=candidate:1 1 udp 1 pc.local 9 typ host\r\na=candidate:2 1 tcp 1 10.0.0.1 9 typ host\r\n' \
  "$credentials" "$media" > "$work/unusable"
restart() { # NUMBER
  printf 'a=ice-ufrag:new%s\r\na=ice-pwd:newnewnewnewnewnewnew%s\r\n%s%s\r\n' "$1" "$1" "$media" "$candidate"
}
restart 1 > "$work/restart1"
restart 2 > "$work/restart2"
printf 'a=ice-ufrag:x\r\na=ice-pwd:y\r\n%s' "$media" > "$work/short"

# One request; the head goes to $work/head, the body to $work/body.
request() { # METHOD PATH ROLE TYPE BODY [HEADER]: prints the status
  local arguments=(-X "$1") token
  [ "$1" != HEAD ] || arguments=(-I)
  case $3 in
  -) ;;
  bound) arguments+=(-H "Authorization: Bearer $bound") ;;
  stranger) arguments+=(-H 'Authorization: Bearer 0123456789abcdef') ;;
  *) token=$(token_of "$3") && arguments+=(-H "Authorization: Bearer $token") ;;
  esac
  case $4 in
  -) arguments+=(-H 'Content-Type:') ;;
  sdp) arguments+=(-H 'Content-Type: application/sdp') ;;
  fragment) arguments+=(-H 'Content-Type: application/trickle-ice-sdpfrag') ;;
  *) arguments+=(-H "Content-Type: $4") ;;
  esac
  [ "$5" = - ] || arguments+=(--data-binary "@$5")
  [ -z "${6:-}" ] || arguments+=(-H "$6")
  : > "$work/body"
  curl -sk --max-time 20 --pinnedpubkey "$pin" -D "$work/head" -o "$work/body" -w '%{http_code}' \
    "${arguments[@]}" "https://$server$2"
}

header() { # NAME: its value
  sed -n "s/^$1: //Ip" "$work/head" | tr -d '\r'
}

# A row of the table. A pattern "Name~REGEX" is for a header, "!Name" says that it is not there.
rows=0
row() { # STATUS METHOD PATH ROLE TYPE BODY HEADER PATTERN...
  local wanted=$1 asked="$2 $3 as $4, $5, ${6##*/}, $7" status pattern value
  status=$(request "$2" "$3" "$4" "$5" "$6" "$7") || fail "curl: $asked"
  [ "$status" = "$wanted" ] || fail "$status instead of $wanted: $asked: $(cat "$work/body")"
  [ "$(header Access-Control-Allow-Origin)" = '*' ] || fail "no CORS: $asked"
  [ -z "$(header Access-Control-Allow-Credentials)" ] || fail "credentials: $asked"
  for pattern in "${@:8}"; do
    value=$(header "${pattern%%~*}")
    case $pattern in
    !*) [ -z "$(header "${pattern#!}")" ] || fail "${pattern#!} is there: $asked" ;;
    *) [[ $value =~ ${pattern#*~} ]] || fail "${pattern%%~*} is \"$value\": $asked" ;;
    esac
  done
  rows=$((rows + 1))
}

exposed='Access-Control-Expose-Headers~^Location, ETag, Link, Accept-Post, Accept-Patch$'
strong='ETag~^"[^"]+"$'
any='If-Match: "*"'

# Nobody connects to the only session of this one, while the table takes as long as the machine needs.
mkdir "$work/lonely.state"
cat "$work/tokens" > "$work/lonely.state/tokens"
start_sender lonely --listen 127.0.0.1:0 --json --stats 0.2 tone:440
ln -s lonely.out "$work/lonely.json"
row 201 POST /whep listener sdp "$recvonly" '' 'Location~^/whep/'
wait_until 5 'the session is there' value_is lonely peers 1
forgotten=$(header Location) lonely=$sender lonely_server=$server lonely_pin=$pin

start_sender send --listen 127.0.0.1:0 tone:440

for end in "whep listener $recvonly recvonly sendonly talker" \
  "whip talker $work/sendonly sendonly recvonly listener"; do
  read -r name role offer _ answers stranger <<< "$end"
  path=/$name

  # Pre-flight and looking
  row 204 OPTIONS $path - - - 'Origin: https://else.where' "$exposed" 'Accept-Post~^application/sdp$' \
    'Access-Control-Allow-Methods~POST' 'Access-Control-Allow-Headers~Authorization, Content-Type, If-Match' '!Link'
  row 200 HEAD $path "$role" - - '' 'Content-Type~^application/sdp$'
  row 204 GET $path "$role" - - '' '!Content-Type'
  row 401 GET $path - - - '' 'WWW-Authenticate~^Bearer'

  # Who
  row 401 POST $path - sdp "$offer" '' 'WWW-Authenticate~^Bearer realm'
  row 401 POST $path stranger sdp "$offer" '' 'WWW-Authenticate~invalid_token'
  row 403 POST $path "$stranger" sdp "$offer" '' 'WWW-Authenticate~insufficient_scope'

  # What
  row 415 POST $path "$role" - "$offer" '' 'Accept-Post~^application/sdp$'
  row 415 POST $path "$role" application/json "$offer" '' 'Accept-Post~^application/sdp$'
  row 400 POST $path "$role" sdp - ''
  row 400 POST $path "$role" sdp "$work/nonsense" ''
  row 422 POST $path "$role" sdp "$work/video" ''
  row 422 POST $path "$role" sdp "$work/inactive" ''
  row 413 POST $path "$role" sdp "$work/big" ''
  row 405 PUT $path "$role" sdp "$offer" '' 'Allow~POST' '!Location'
  row 405 PATCH $path "$role" fragment "$work/candidates" "$any" 'Allow~^GET, HEAD, POST, OPTIONS$'
  row 405 DELETE $path "$role" - - '' 'Allow~POST'
  row 404 GET $path/00000000000000000000000000000000 "$role" - - ''
  row 404 DELETE $path/00000000000000000000000000000000 "$role" - - ''

  # A session
  row 201 POST $path "$role" sdp "$work/sendrecv" '' "$exposed" "$strong" \
    "Location~^$path/[0-9a-f]{32}\$" 'Content-Type~^application/sdp$' 'Accept-Patch~^application/trickle-ice-sdpfrag$'
  grep -q "^a=$answers" "$work/body" || fail "$path answers sendrecv with other than $answers"
  other=$(header Location) other_etag=$(header ETag)
  row 200 DELETE "$(header Location)" admin - - ''
  row 201 POST $path "$role" 'Application/SDP; charset=utf-8' "$offer" '' "$strong" \
    "Location~^$path/[0-9a-f]{32}\$"
  session=$(header Location)
  etag=$(header ETag)
  [ "$session" != "$other" ] && [ "$etag" != "$other_etag" ] || fail 'two sessions are alike'
  for line in "a=$answers" a=rtcp-mux 'a=setup:active' 'a=group:BUNDLE' 'a=candidate:.* typ host' \
    a=end-of-candidates; do
    grep -q "^$line" "$work/body" || fail "$path answers without $line"
  done
  row 204 OPTIONS "$session" - - - '' 'Accept-Patch~^application/trickle-ice-sdpfrag$' \
    'Access-Control-Allow-Methods~PATCH, DELETE'
  row 204 GET "$session" "$role" - - '' '!Content-Type'
  row 200 HEAD "$session" "$role" - - '' 'Content-Type~^application/sdp$'
  row 401 GET "$session" - - - '' 'WWW-Authenticate~^Bearer'
  row 403 GET "$session" "$stranger" - - ''
  row 405 POST "$session" "$role" sdp "$offer" '' 'Allow~^GET, HEAD, PATCH, DELETE, OPTIONS$'

  # Trickle
  row 401 PATCH "$session" - fragment "$work/candidates" "If-Match: $etag" 'WWW-Authenticate~^Bearer'
  row 401 PATCH "$session" stranger fragment "$work/candidates" "If-Match: $etag" 'WWW-Authenticate~invalid_token'
  row 403 PATCH "$session" "$stranger" fragment "$work/candidates" "If-Match: $etag"
  row 428 PATCH "$session" "$role" fragment "$work/candidates" ''
  row 412 PATCH "$session" "$role" fragment "$work/candidates" 'If-Match: "other"'
  row 412 PATCH "$session" "$role" fragment "$work/candidates" "If-Match: W/$etag"
  row 415 PATCH "$session" "$role" sdp "$work/candidates" "If-Match: $etag" \
    'Accept-Patch~^application/trickle-ice-sdpfrag$'
  row 413 PATCH "$session" "$role" fragment "$work/big" "If-Match: $etag"
  row 422 PATCH "$session" "$role" fragment "$work/nonsense" "If-Match: $etag"
  row 422 PATCH "$session" "$role" fragment "$work/empty" "If-Match: $etag"
  row 204 PATCH "$session" "$role" fragment "$work/candidates" "If-Match: $etag" '!ETag' '!Content-Type'
  [ ! -s "$work/body" ] || fail '204 with a body'
  row 204 PATCH "$session" "$role" fragment "$work/unusable" "If-Match: $etag" '!ETag'
  row 204 PATCH "$session" "$role" fragment "$work/bare" "If-Match: $etag" '!ETag'

  # Restart; what fails leaves the session as it was
  row 422 PATCH "$session" "$role" fragment "$work/short" "$any" '!ETag'
  row 204 PATCH "$session" "$role" fragment "$work/candidates" "If-Match: $etag"
  row 200 PATCH "$session" "$role" fragment "$work/restart1" "$any" "$strong" \
    'Content-Type~^application/trickle-ice-sdpfrag$'
  [ "$(header ETag)" != "$etag" ] || fail 'a restart with the same ETag'
  for line in a=ice-ufrag: a=ice-pwd: 'a=ice-options:ice2 trickle' 'm=audio' 'a=candidate:.* typ host' \
    a=end-of-candidates; do
    grep -q "^$line" "$work/body" || fail "the fragment is without $line"
  done
  ours=$(grep '^a=ice-ufrag' "$work/body")
  row 412 PATCH "$session" "$role" fragment "$work/restart1" "If-Match: $etag"
  row 200 PATCH "$session" "$role" fragment "$work/restart2" 'If-Match: *' "$strong"
  [ "$(grep '^a=ice-ufrag' "$work/body")" != "$ours" ] || fail 'a restart with the same credentials'
  row 204 PATCH "$session" "$role" fragment "$work/restart2" "If-Match: $(header ETag)" '!ETag'

  # The end
  row 401 DELETE "$session" - - - '' 'WWW-Authenticate~^Bearer'
  row 403 DELETE "$session" "$stranger" - - ''
  row 200 DELETE "$session" "$role" - - 'If-Match: "other"'
  row 404 DELETE "$session" "$role" - - ''
  row 404 GET "$session" "$role" - - ''
  row 404 PATCH "$session" "$role" fragment "$work/candidates" "$any"
done

row 422 POST /whep listener sdp "$work/sendonly" ''
row 422 POST /whip talker sdp "$recvonly" ''
row 422 POST /whip talker sdp "$work/two" ''
# A player that would see as well gets the sound (RFC 9429 section 5.3.1).
row 201 POST /whep listener sdp "$work/film" ''
grep -q '^m=video 0 ' "$work/body" && grep -q '^m=audio [^0]' "$work/body" || fail 'the film is not heard'
row 200 DELETE "$(header Location)" listener - - ''

# A second session of a token that is bound to a speaker replaces the first.
row 201 POST /whep bound sdp "$recvonly" ''
first=$(header Location)
row 201 POST /whep bound sdp "$recvonly" ''
second=$(header Location)
row 404 GET "$first" bound - - ''
row 204 GET "$second" bound - - ''

# As many talkers as there are voices, and one more.
for _ in 1 2 3 4 5 6 7 8; do
  row 201 POST /whip talker sdp "$work/sendonly" ''
done
row 503 POST /whip admin sdp "$work/sendonly" '' 'Retry-After~^[0-9]+$'

# A session that never connects is removed after 30 s.
wait_until 40 'a session without ICE is removed' value_is lonely peers 0
lasted=$(grep '}$' "$work/lonely.json" | jq -s '[.[] | select(.peers == 1).t_s] | last - first')
jq -en "$lasted >= 29" > /dev/null || fail "a session was removed after $lasted s"
server=$lonely_server pin=$lonely_pin
row 404 GET "$forgotten" listener - - ''
echo "$rows rows; $lasted s without ICE"
stop "$sender" || fail 'pa-send has not ended well'
stop "$lonely" || fail 'the other pa-send has not ended well'
