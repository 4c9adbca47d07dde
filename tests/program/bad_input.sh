#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Each bad input gets its exit status and one line that helps; a bad source never takes the server down.
. "$(dirname "$0")/lib.sh"

# ---- pa-recv: usage ----

expect_refusal 2 'server is missing' "$PA_RECV"
expect_refusal 2 '--sever.*--server' "$PA_RECV" --sever x
expect_refusal 2 '--buffer-frames' "$PA_RECV" --server x --buffer-frames many
expect_refusal 2 '--buffer-frames' "$PA_RECV" --server x --buffer-frames 300 --period-frames 256
for latency in 4 1001 off 20ms; do
  expect_refusal 2 "--latency-ms $latency: give a whole number from 5 to 1000, or auto" \
    "$PA_RECV" --server x --latency-ms "$latency"
done
for most in 4 1001 auto; do
  expect_refusal 2 "--max-latency-ms $most: give a whole number from 5 to 1000$" \
    "$PA_RECV" --server x --max-latency-ms "$most"
done
expect_refusal 2 '--latency-ms 80 is more than --max-latency-ms 60' \
  "$PA_RECV" --server x --latency-ms 80 --max-latency-ms 60
expect_refusal 2 '--profile music: give one of live, announcement' \
  "$PA_RECV" --server x --profile music
expect_refusal 2 '--pin' "$PA_RECV" --server x --pin sha256//short
expect_refusal 2 'http://' "$PA_RECV" --server http://192.0.2.1/whep
expect_refusal 2 '--server two words' "$PA_RECV" --server 'two words'
expect_refusal 2 '/nowhere/token' "$PA_RECV" --server 127.0.0.1 --wav "$work/a.wav" \
  --token-file /nowhere/token --log error
expect_refusal 2 '/nowhere/a.wav' "$PA_RECV" --server 127.0.0.1 --wav /nowhere/a.wav --log error

# What a file holds is not lost by a try that comes to nothing.
echo 'a recording' > "$work/kept.wav"
expect_refusal 2 '/nowhere/token' "$PA_RECV" --server 127.0.0.1 --wav "$work/kept.wav" \
  --token-file /nowhere/token --log error
[ "$(cat "$work/kept.wav")" = 'a recording' ] || fail '--wav has destroyed a file without a sound'

# ---- pa-recv: no such device: lists those there are ----

export ALSA_CONFIG_PATH=$work/asound.conf
for name in null hall; do
  echo "pcm.$name { type null hint { show on description \"nothing\" } }"
done > "$ALSA_CONFIG_PATH"
expect_refusal 2 '--device yard: no such device; there are: hall null$' \
  "$PA_RECV" --server 127.0.0.1 --device yard --log error
unset ALSA_CONFIG_PATH

# ---- pa-recv: token and key ----

start_sender send --listen 127.0.0.1:0 tone:440

# What passes is waited for, until the end of this test.
"$PA_RECV" --server 127.0.0.1:1 --wav "$work/b.wav" --pin "$pin" --json > "$work/wait.json" \
  2> "$work/wait.log" &
waiting=$!
started+=("$waiting")

receive=("$PA_RECV" --server "$server" --wav "$work/a.wav" --log error --state-dir "$work/state")

echo 'wrong-token-of-nobody' > "$work/wrong"
expect_refusal 2 "401.*$work/wrong" "${receive[@]}" --pin "$pin" --token-file "$work/wrong"
expect_refusal 2 '401.*--token-file' "${receive[@]}" --pin "$pin"
expect_refusal 2 '404' "${receive[@]}" --pin "$pin" --token-file "$token" --path /nothing

other=sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
expect_refusal 2 "wanted $other, got ${pin//+/\\+}" "${receive[@]}" --pin "$other" \
  --token-file "$token"
expect_refusal 2 'no authority of this system' "${receive[@]}" --pin system --token-file "$token"

# Trust on first use: the key is learnt and kept; another one later is refused.
mkdir "$work/home"
receive=("$PA_RECV" --server "$server" --wav "$work/a.wav" --log error)
export HOME=$work/home
unset XDG_STATE_HOME STATE_DIRECTORY
"${receive[@]}" --token-file "$token" --json --log warning > "$work/tofu.json" \
  2> "$work/tofu.log" &
receiver=$!
started+=("$receiver")
wait_until 10 'it plays' value_is tofu state playing
stop "$receiver" || fail 'pa-recv has not ended well'
grep -qF -- "--pin $pin" "$work/tofu.log" || fail 'the learnt pin is not printed'
grep -qF "$server $pin" "$HOME/.local/state/pa-recv/pins" || fail 'the learnt pin is not kept'
echo "$server $other" > "$HOME/.local/state/pa-recv/pins"
expect_refusal 2 "has changed: remembered $other, got" "${receive[@]}" --token-file "$token"
echo 'nonsense' > "$HOME/.local/state/pa-recv/pins"
expect_refusal 2 "$HOME/.local/state/pa-recv/pins" "${receive[@]}" --token-file "$token"

# ---- pa-send ----

send=("$PA_SEND" --listen 127.0.0.1:0 --udp-port 0 --state-dir "$work/s")

# A truncated file plays what there is, and says so; the server that has it ends well.
"$MAKE_SIGNAL" "$work/signal.wav" 1
ffmpeg -v error -i "$work/signal.wav" -c:a flac "$work/whole.flac"
size=$(stat -c %s "$work/whole.flac")
head -c $((size / 2)) "$work/whole.flac" > "$work/half.flac"
timeout 20 "$PA_SEND" --listen 127.0.0.1:0 --udp-port 0 --state-dir "$work/half" "$work/half.flac" \
  2> "$work/half.log" &
half=$!
started+=("$half")

expect_refusal 2 'pa-send' "${send[@]}"
expect_refusal 2 '--lop.*--loop' "${send[@]}" --lop tone:440
for red in 0 7 on; do
  expect_refusal 2 "--red $red: give a whole number from 1 to 6, auto or off" \
    "${send[@]}" --red "$red" tone:440
done
expect_refusal 2 '--fec takes no value' "${send[@]}" --fec=auto tone:440
expect_refusal 2 '--fec.*lowdelay' "${send[@]}" --mode lowdelay --fec tone:440
expect_refusal 1 '/nowhere/a.mp3' "${send[@]}" /nowhere/a.mp3
head -c 100000 /dev/urandom > "$work/noise.mp3"
expect_refusal 1 'noise.mp3' "${send[@]}" "$work/noise.mp3"
for source in tone:loud tone:5 tone: alsa:; do
  expect_refusal 2 'SOURCE' "${send[@]}" "$source"
  ! grep -q :: "$work/refusal.log" || fail "two colons in: $(cat "$work/refusal.log")"
done
expect_refusal 2 'loop: - cannot begin again' "${send[@]}" --loop -
expect_refusal 2 'loop: alsa:x cannot begin again' "${send[@]}" --loop alsa:x
expect_refusal 1 "${server#*:}" "$PA_SEND" --listen "$server" --udp-port 0 --state-dir "$work/s" \
  tone:440
expect_refusal 2 'listen' "$PA_SEND" --listen nowhere --state-dir "$work/s" tone:440

wait "$half" || fail "a truncated file ends pa-send with status $?"
grep -q 'half.flac' "$work/half.log" || fail 'a truncated file is not told'

alive "$sender" || fail 'the server has ended'
stop "$sender" || fail 'pa-send has not ended well'

# ---- pa-send: where it listens, and where it says so ----

for listen in 0.0.0.0:0 '[::]:0' 0; do
  start_sender any --listen "$listen" tone:440
  [[ $server =~ ^(0\.0\.0\.0|\[::\]): ]] && fail "a speaker cannot connect to $server"
  stop "$sender" || fail 'pa-send has not ended well'
done
# An address without a port has the default one, in use or not.
"$PA_SEND" --listen ::0001 --udp-port 0 --state-dir "$work/s" tone:440 > "$work/port.log" 2>&1 &
started+=("$!")
wait_until 10 'it says its port' grep -q '\[::1\]:8443' "$work/port.log"

# ---- pa-send: a certificate and a key of somebody's own ----

make_pair() { # NAME KIND...
  openssl req -x509 -newkey "${@:2}" -nodes -keyout "$work/$1.key" -out "$work/$1.crt" -days 3 \
    -subj "/CN=$1" 2> /dev/null
}
make_pair one rsa:2048
make_pair other ec -pkeyopt ec_paramgen_curve:P-256
echo junk > "$work/junk"
expect_refusal 1 'other.key is not the key of .*/one.crt' \
  "${send[@]}" --tls-cert "$work/one.crt" --tls-key "$work/other.key" tone:440
expect_refusal 1 'junk: holds no private key' \
  "${send[@]}" --tls-cert "$work/one.crt" --tls-key "$work/junk" tone:440
expect_refusal 1 'junk: holds no certificate' \
  "${send[@]}" --tls-cert "$work/junk" --tls-key "$work/one.key" tone:440
start_sender own --listen 127.0.0.1:0 --tls-cert "$work/one.crt" --tls-key "$work/one.key" tone:440
stop "$sender" || fail 'pa-send has not ended well'

wait_until 10 'it waits' value_above wait t_s 1.5
alive "$waiting" || fail 'an unreachable server ends pa-recv'
stop "$waiting" || fail 'pa-recv does not end well while it waits'
