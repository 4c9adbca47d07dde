# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A PulseAudio server of our own with one null sink, "spk": for ALSA, a sound card with a real-time
# clock that can be recorded. Sourced after lib.sh.

# norewinds: without it the first buffer stalls for two seconds.
start_pulse() { # COMMAND...: put before pulseaudio
  mkdir -p "$work/run" "$work/home"
  chmod 700 "$work/run"
  export XDG_RUNTIME_DIR=$work/run HOME=$work/home PULSE_SERVER=unix:$work/pulse.socket
  export ALSA_CONFIG_PATH=$work/asound.conf
  cat > "$ALSA_CONFIG_PATH" << 'END'
pcm.spk { type pulse device spk handle_underrun 1 hint { show on description "a null sink" } }
END
  "$@" pulseaudio -n --daemonize=no --use-pid-file=no --exit-idle-time=-1 \
    -L "module-native-protocol-unix auth-anonymous=1 socket=$work/pulse.socket" \
    -L 'module-null-sink sink_name=spk rate=48000 norewinds=1' 2> "$work/pulse.log" &
  pulse=$!
  started+=("$pulse")
  wait_until 10 'PulseAudio is ready' pulse_ready
}

pulse_ready() {
  alive "$pulse" || fail 'PulseAudio has ended'
  pactl info > /dev/null 2>&1
}

# Record what the sink plays; sets recorder.
start_recording() { # FILE
  parecord --device=spk.monitor --rate=48000 --channels=2 --format=s16le --file-format=wav \
    --latency-msec=20 "$1" 2> "$work/recorder.log" &
  recorder=$!
  started+=("$recorder")
  wait_until 10 'the recording begins' test -s "$1"
}
