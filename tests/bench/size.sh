#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail

usage() {
  cat <<'END'
usage: tests/bench/size.sh [--json]

How many bytes pa-recv needs, optimised for size (-Os) and stripped: the program, and every library
that it loads while it plays a second of sound, those that other libraries open by name too. Left
out is what a Raspberry Pi OS has anyway: libc, ALSA, and libcurl with all that it needs.

Two builds: with Debian's shared libraries, and with mbedTLS and Opus linked from their archives
(-Darchives=true). Bars: the program 400000 bytes (shared), the sum 8000000 bytes (both).
END
}

json=no
case ${1-} in
'') ;;
--json) json=yes ;;
-h | --help)
  usage
  exit
  ;;
*)
  usage >&2
  exit 2
  ;;
esac
root=$(cd "$(dirname "$0")/../.." && pwd)
program_max=400000
sum_max=8000000
export LC_ALL=C.UTF-8

build() { # NAME ARCHIVES
  local folder=$root/build/size-$1
  [ -e "$folder/build.ninja" ] || meson setup "$folder" "$root" --buildtype=minsize \
    -Dprograms=enabled -Dtests=false "-Darchives=$2" \
    -Dc_args='-ffunction-sections -fdata-sections' \
    -Dc_link_args='-Wl,--gc-sections,--as-needed -s' > "$folder.log" 2>&1 || {
    tail -20 "$folder.log" >&2
    exit 1
  }
  ninja -C "$folder" examples/pa-recv/pa-recv examples/pa-send/pa-send > "$folder.log" 2>&1 || {
    tail -40 "$folder.log" >&2
    exit 1
  }
}

libraries_of() { # FILE
  ldd "$1" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p'
}

# In a process of its own: the kit of the program tests ends with it.
list_loaded() { # FOLDER: every file that the loader opens in a pa-recv that plays
  PA_SEND=$1/examples/pa-send/pa-send PA_RECV=$1/examples/pa-recv/pa-recv bash -c '
    . "$0/tests/program/lib.sh"
    start_sender hall --listen 127.0.0.1:0 tone:440
    LD_DEBUG=files LD_DEBUG_OUTPUT=$work/loader start_receiver hall --wav "$work/hall.wav"
    wait_until 20 "sound" value_above hall level_dbfs -60
    stop "$receiver"
    sed -n "s/.*calling init: //p" "$work/loader.$receiver" | sort -u
  ' "$root"
}

present_anyway() {
  local curl
  curl=$(libraries_of "$1/examples/pa-recv/pa-recv" | grep -E '/libcurl[^/]*$')
  {
    echo "$curl"
    libraries_of "$curl"
    libraries_of "$1/examples/pa-recv/pa-recv" | grep -E '/lib(asound|c|m)\.so[^/]*$'
    echo ld-linux
  } | sed 's|.*/||' | sort -u
}

# Lines "BYTES NAME", the program first.
list_sizes() { # FOLDER
  local program=$1/examples/pa-recv/pa-recv library anyway
  stat -c '%s pa-recv' "$program"
  anyway=$(present_anyway "$1")
  while read -r library; do
    case ${library##*/} in
    ld-linux* | pa-recv) continue ;;
    esac
    grep -qxF "${library##*/}" <<< "$anyway" || stat -L -c "%s ${library##*/}" "$library"
  done < <(list_loaded "$1")
}

status=0
fields=()

judge() { # NAME BYTES BAR
  local met=true
  [ "$2" -le "$3" ] || met=false status=1
  fields+=("\"$1\": $2, \"$1_bar\": \"<= $3\", \"$1_met\": $met")
  [ $json = yes ] || printf '%10d  %s (at most %d%s)\n' "$2" "$1" "$3" "$([ $met = true ] || echo ': MISSED')"
}

report() { # NAME ARCHIVES
  local sizes sum
  build "$1" "$2"
  sizes=$(list_sizes "$root/build/size-$1")
  [ $json = yes ] || {
    echo "$1:"
    awk '{ printf "%10d  %s\n", $1, $2 }' <<< "$sizes"
  }
  sum=$(awk '{ sum += $1 } END { print sum }' <<< "$sizes")
  # What is linked in counts in the sum.
  if [ "$2" = false ]; then
    judge pa_recv_bytes "$(awk 'NR == 1 { print $1 }' <<< "$sizes")" $program_max
  else
    fields+=("\"pa_recv_$1_bytes\": $(awk 'NR == 1 { print $1 }' <<< "$sizes")")
  fi
  judge "sum_$1_bytes" "$sum" $sum_max
  fields+=("\"libraries_$1\": $(tail -n +2 <<< "$sizes" | jq -Rnc '[inputs | split(" ") | {(.[1]): (.[0] | tonumber)}] | add')")
}

mkdir -p "$root/build"
report shared false
report archives true
if [ $json = yes ]; then
  (
    IFS=,
    echo "{\"program\": \"size\", \"what\": \"-Os, stripped, $(uname -m)\", ${fields[*]}}"
  ) | jq -c .
fi
exit $status
