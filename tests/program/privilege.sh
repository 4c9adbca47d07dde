#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Neither program needs a privilege: started by root as users that are nobody, without a capability and
# without a way to get one, each with a state folder of its own, they play a session and say nothing of it.
# What they keep is theirs alone, also with umask 000.
. "$(dirname "$0")/lib.sh"

sender_id=54321
receiver_id=54322
if [ "$(id -u)" -eq 0 ]; then
  as_nobody() { # ID: the words to put before a program
    echo setpriv "--reuid=$1" "--regid=$1" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all
  }
  read -ra send_in <<< "$(as_nobody "$sender_id")"
  read -ra receive_in <<< "$(as_nobody "$receiver_id")"
else
  echo 'not root: both run as this user, with the capabilities it has'
  sender_id=$(id -u) receiver_id=$(id -u)
fi

# The programs where anybody can read them; the folder of the build may be root's alone.
chmod 711 "$work"
install -m 755 "$PA_SEND" "$work/pa-send"
install -m 755 "$PA_RECV" "$work/pa-recv"
PA_SEND=$work/pa-send PA_RECV=$work/pa-recv
mkdir -m 755 "$work/lib"
for library in $(ldd "$PA_SEND" "$PA_RECV" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | grep -vE '^(/usr)?/lib' | sort -u); do
  install -m 755 "$library" "$work/lib"
done
export LD_LIBRARY_PATH=$work/lib HOME=/nonexistent

for who in "send $sender_id" "hall $receiver_id"; do
  read -r name id <<< "$who"
  mkdir "$work/$name.home"
  chown "$id" "$work/$name.home"
done

is_nobody() { # PID ID
  local status
  status=$(< "/proc/$1/status")
  [[ $status =~ Uid:[[:space:]]+"$2"[[:space:]]+"$2" ]] || fail "process $1 is another user"
  [ "$(id -u)" -ne 0 ] || [[ $status =~ CapEff:[[:space:]]+0+$'\n' && $status =~ CapBnd:[[:space:]]+0+$'\n' &&
    $status =~ NoNewPrivs:[[:space:]]+1 ]] || fail "process $1 has capabilities"
}

# As start_sender does, with a state folder that the sender can make.
state=$work/send.home/state
start_nobody() { # LISTEN
  rm -f "$work/send.log"
  "${send_in[@]}" "$PA_SEND" --listen "$1" --udp-port 0 --state-dir "$state" --log info tone:440 > "$work/send.out" \
    2> "$work/send.log" &
  sender=$!
  started+=("$sender")
  wait_until 10 'pa-send is ready' sender_ready send
  server=$(sed -n 's/^pair a speaker: pa-recv --server \([^ ]*\) .*/\1/p' "$work/send.log")
}

umask 000
start_nobody 127.0.0.1:0
umask 077
is_nobody "$sender" "$sender_id"
token=$work/hall.home/token
sed -n 's/^speaker  *\([^ ]*\).*/\1/p' "$state/tokens" > "$token"
chown "$receiver_id" "$token"

umask 000
"${receive_in[@]}" "$PA_RECV" --server "$server" --token-file "$token" --gain-db 0 --json \
  --state-dir "$work/hall.home/state" --wav "$work/hall.home/hall.wav" --log info > "$work/hall.json" 2> "$work/hall.log" &
receiver=$!
started+=("$receiver")
umask 077
wait_until 10 'it plays' value_is hall state playing
is_nobody "$receiver" "$receiver_id"
wait_until 10 'there is sound' value_above hall packets 50

# Each has made its folder and its files for itself.
for file in send.home/state:700 send.home/state/tokens:600 send.home/state/tls-key.pem:600 \
  send.home/state/tls-cert.pem:600 hall.home/state:700 hall.home/state/pins:600; do
  [ "$(stat -c %a "$work/${file%:*}")" = "${file#*:}" ] || fail "${file%:*} has mode $(stat -c %a "$work/${file%:*}")"
done
stop "$receiver" || fail 'pa-recv has not ended well'
stop "$sender" || fail 'pa-send has not ended well'
[ -s "$work/hall.home/hall.wav" ] || fail 'nothing was recorded'

# What cannot be had is worth a line at most; the key that was met for the first time has its own.
warnings() { # NAME
  grep -E ' (warning|error) ' "$work/$1.log" | grep -v 'first contact with'
}
for name in send hall; do
  [ "$(warnings "$name" | wc -l)" -le 1 ] || fail "$name says more than a line: $(warnings "$name")"
done

# ---- what others may have had a hand in is refused, in one line ----

send=("${send_in[@]}" "$PA_SEND" --listen 127.0.0.1:0 --udp-port 0 --state-dir "$state" tone:440)
receive=("${receive_in[@]}" "$PA_RECV" --server "$server" --token-file "$token" --wav "$work/hall.home/b.wav"
  --state-dir "$work/hall.home/state" --log error)
for mode in 640 604 660; do
  chmod "$mode" "$state/tokens"
  expect_refusal 1 "state/tokens: others can read it .mode $mode.: run chmod 600" "${send[@]}"
done
chmod 600 "$state/tokens"
chmod 644 "$state/tls-key.pem"
expect_refusal 1 'tls-key.pem: others can read it' "${send[@]}"
chmod 600 "$state/tls-key.pem"
chmod 770 "$state"
expect_refusal 1 'others can write in the folder .*/state .mode 770.: run chmod go-w' "${send[@]}"
chmod 700 "$state"
chmod 640 "$token"
expect_refusal 2 'token: others can read it' "${receive[@]}"
chmod 600 "$token"
pins=$work/hall.home/state/pins
chmod 620 "$pins"
expect_refusal 2 'pins: others can write it' "${receive[@]}"
chmod 600 "$pins"

# Links in the place of files: not read, not written through.
echo 'a file of somebody' > "$work/victim"
chmod 666 "$work/victim"
for file in "$state/tokens" "$state/tls-key.pem" "$state/tls-cert.pem"; do
  mv "$file" "$file.kept"
  ln -s "$work/victim" "$file"
  expect_refusal 1 "${file##*/}: is a symbolic link" "${send[@]}"
  ln -sf "$work/nowhere" "$file"
  expect_refusal 1 "${file##*/}: is a symbolic link" "${send[@]}"
  mv "$file.kept" "$file"
done
mv "$pins" "$pins.kept"
ln -s "$work/victim" "$pins"
expect_refusal 2 'pins: is a symbolic link' "${receive[@]}"
rm "$pins"
for name in pins.new tokens.new; do # whatever an older way of writing would have gone through
  ln -s "$work/victim" "$work/hall.home/state/$name"
  ln -s "$work/victim" "$state/$name"
done
start_nobody "$server"
"${receive_in[@]}" "$PA_RECV" --server "$server" --token-file "$token" --json --state-dir "$work/hall.home/state" \
  --wav "$work/hall.home/c.wav" > "$work/again.json" 2> "$work/again.log" &
receiver=$!
started+=("$receiver")
wait_until 10 'it plays again' value_is again state playing
stop "$receiver" || fail 'pa-recv has not ended well'
stop "$sender" || fail 'pa-send has not ended well'
cmp -s "$pins" "$pins.kept" || fail 'another key was learnt'
[ "$(cat "$work/victim")" = 'a file of somebody' ] && [ ! -e "$work/nowhere" ] || fail 'a link was written through'
