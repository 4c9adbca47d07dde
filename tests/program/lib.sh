# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the program tests share: programs started in a folder of their own, waited for by condition,
# stopped by their ids. The environment names them: PA_SEND, PA_RECV, COMPARE_SOUND, MAKE_SIGNAL.
set -euo pipefail

# Tokens are for nobody else.
umask 077
work=$(mktemp -d)
started=()

fail() {
  echo "FAILED: $*"
  for log in "$work"/*.log; do
    [ -s "$log" ] && { echo "--- ${log##*/}"; tail -n 20 "$log"; }
  done
  for log in "$work"/*.json; do
    [ -s "$log" ] && { echo "--- ${log##*/}"; tail -n 4 "$log"; }
  done
  exit 1
}

# What a test has set up besides, taken down at its end: to be defined again by who needs it.
undo() {
  :
}

clean_up() {
  local pid
  for pid in "${started[@]}"; do
    kill -KILL "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
  done
  undo
  rm -rf "$work"
}
trap clean_up EXIT

# Look again and again until COMMAND succeeds.
wait_until() { # SECONDS WHAT COMMAND...
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "in vain: $what"
    sleep 0.02
  done
}

alive() { # PID
  kill -0 "$1" 2> /dev/null
}

ended() { # PID
  ! alive "$1"
}

# Ask to end by SIGTERM; the exit status is 0 only if the program's is.
stop() { # PID
  kill -TERM "$1" 2> /dev/null || true
  wait_until 5 "process $1 ends on SIGTERM" ended "$1"
  wait "$1"
}

# Put before the programs: empty, or `ip netns exec NAME`.
send_in=()
receive_in=()

# Start a pa-send that listens on free ports; sets sender, server, pin and token.
start_sender() { # NAME ARGUMENT...
  local name=$1
  shift
  rm -f "$work/$name.log" # of a run before: it would say that this one is ready
  "${send_in[@]}" "$PA_SEND" --udp-port 0 --state-dir "$work/$name.state" "$@" > "$work/$name.out" \
    2> "$work/$name.log" &
  sender=$!
  started+=("$sender")
  wait_until 10 'pa-send is ready' sender_ready "$name"
  server=$(sed -n 's/^pair a speaker: pa-recv --server \([^ ]*\) .*/\1/p' "$work/$name.log")
  pin=$(sed -n 's/^pair a speaker:.* --pin \([^ ]*\) .*/\1/p' "$work/$name.log")
  token=$work/$name.token
  sed -n 's/^speaker  *\([^ ]*\).*/\1/p' "$work/$name.state/tokens" | head -n 1 > "$token"
}

sender_ready() { # NAME
  alive "$sender" || fail 'pa-send has ended'
  grep -qs '^tokens' "$work/$1.log"
}

# Start a pa-recv of $server with its pin and token; sets receiver. Its JSON is in NAME.json.
start_receiver() { # NAME ARGUMENT...
  local name=$1
  shift
  "${receive_in[@]}" "$PA_RECV" --server "$server" --pin "$pin" --token-file "$token" --gain-db 0 --json \
    --state-dir "$work/$name.state" "$@" > "$work/$name.json" 2> "$work/$name.log" &
  receiver=$!
  started+=("$receiver")
}

# A value of the newest whole JSON object; empty before the first.
value() { # NAME FIELD
  grep '}$' "$work/$1.json" 2> /dev/null | tail -n 1 | jq -r ".$2 // empty"
}

value_is() { # NAME FIELD WANTED
  [ "$(value "$1" "$2")" = "$3" ]
}

value_above() { # NAME FIELD LIMIT
  local now
  now=$(value "$1" "$2")
  [ -n "$now" ] && jq -en "$now > $3" > /dev/null
}

# What a program that refuses has to do: this exit status within a few seconds, and one line that says
# why.
expect_refusal() { # STATUS PATTERN COMMAND...
  local wanted=$1 pattern=$2 status=0
  shift 2
  timeout -k 1 10 "$@" > "$work/refusal.out" 2> "$work/refusal.log" || status=$?
  [ "$status" -eq "$wanted" ] || fail "exit status $status instead of $wanted: $*"
  [ "$(wc -l < "$work/refusal.log")" -eq 1 ] || fail "not one line: $*"
  grep -Eq -- "$pattern" "$work/refusal.log" || fail "no \"$pattern\" from: $*"
}

# What the answering machine says to an offer: 201, an answer that nobody is behind, which has LINE
# among those of its session, and further header fields.
write_created() { # FILE LINE FIELD...
  local file=$1 body
  body=$(sed "s/^@/$2/; s/\$/\r/" << 'END'
v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
@
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
a=setup:passive
a=rtpmap:111 opus/48000/2
END
    printf x)
  body=${body%x}
  shift 2
  { printf 'HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Type: application/sdp\r\n'
    printf '%s\r\n' "$@"
    printf 'Content-Length: %d\r\n\r\n%s' "${#body}" "$body"; } > "$file"
}
