#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail

usage() {
  cat <<'END'
usage: tests/bench/run.sh [PROGRAM...]

Runs every benchmark with a bar, or only those named, one at a time, and prints a table of their figures;
it is also in build/bench.md, and their JSON in build/bench-json/. Needs a machine that does nothing else.
The exit status is 0 only if every one ran and no bar was missed.
END
}

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
export LC_ALL=C.UTF-8
build=build/release
bench=$build/tests/bench
json=build/bench-json
mkdir -p "$json"

# What each is called with; one line a benchmark.
command_of() { # NAME
  case $1 in
  bench_srtp) echo $bench/bench_srtp ;;
  bench_send_path) echo $bench/bench_send_path ;;
  bench_connect) echo $bench/connect/bench_connect --runs 200 ;;
  bench_fanout) echo $bench/fanout/bench_fanout ;;
  bench_memory) echo $bench/peers/bench_memory --peers 1000 ;;
  bench_idle) echo $bench/peers/bench_idle --peers 1000 ;;
  bench_playout) echo $bench/playout/bench_playout --cost --no-quality --minutes 5 ;;
  load) echo tests/bench/fanout/load.sh ;;
  storm) echo tests/bench/fanout/load.sh --storm ;;
  first_sound) echo tests/bench/first_sound.sh ;;
  size) echo tests/bench/size.sh ;;
  *) return 1 ;;
  esac
}
all=(bench_srtp bench_send_path bench_connect bench_fanout bench_memory bench_idle bench_playout load
  storm first_sound size)

case ${1:-} in
-h | --help)
  usage
  exit
  ;;
esac
for name in "$@"; do
  command_of "$name" > /dev/null || {
    echo "no benchmark $name; there are: ${all[*]}" >&2
    exit 2
  }
done
[ $# -gt 0 ] || set -- "${all[@]}"

programs() {
  local name command
  for name in "${all[@]}"; do
    command=$(command_of "$name")
    [[ $command != $build/* ]] || sed "s|^$build/||; s| .*||" <<< "$command"
  done
  echo tests/bench/fanout/load_receivers
}

build_programs() {
  [ -e $build/build.ninja ] || CC=${CC:-gcc} meson setup $build -Dprograms=enabled > $build.log 2>&1 || {
    tail -20 $build.log >&2
    return 1
  }
  ninja -C $build examples/pa-send/pa-send examples/pa-recv/pa-recv $(programs) > $build.log 2>&1 || {
    grep -vE '^\[[0-9]+/[0-9]+\] (Compiling|Linking)' $build.log | tail -40 >&2
    return 1
  }
}

# bench_playout prints what it does for its own scripts; the bars stand here.
with_bars() { # NAME
  if [ "$1" = bench_playout ]; then
    jq -c '{program: "bench_playout",
      what: "\(.minutes) min of speech, trace \(.trace), a frame of \(.frame_ms) ms",
      without_opus_us, without_opus_us_bar: "<= 10", without_opus_us_met: (.without_opus_us <= 10),
      opus_us, allocations, allocations_bar: "<= 0", allocations_met: (.allocations == 0)}'
  else
    cat
  fi
}

# One row a figure: those with a bar in bold where it was missed, or nothing could be measured.
print_rows() { # JSON_FILE
  jq -r '. as $all | .program as $program |
    to_entries[] | select(.key | test("_(bar|met)$|^(program|what)$") | not) |
    select(.value | type == "number" or type == "null") |
    [$program, .key, (.value | if . == null then "none" else . * 1000 | round / 1000 | tostring end),
      ($all[.key + "_bar"] // ""),
      (if $all[.key + "_met"] == false then "**missed**" else "" end)] |
    "| \(.[0]) | \(.[1]) | \(.[2]) | \(.[3]) \(.[4]) |"' "$1"
}

build_programs || exit 1
{
  echo "$(date +%Y-%m-%d), $(git rev-parse --short HEAD), $(nproc) cores of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), \
Linux $(uname -r | cut -d - -f 1), gcc $(gcc -dumpfullversion)"
  echo
  echo '| benchmark | figure | seen | bar |'
  echo '|---|---|---|---|'
} | tee build/bench.md
for name in "$@"; do
  read -ra command <<< "$(command_of "$name")"
  ended=0
  "${command[@]}" --json > "$json/$name.raw" 2> "$json/$name.log" || ended=$?
  with_bars "$name" < "$json/$name.raw" > "$json/$name.json" 2> /dev/null || true
  rows=
  [ -z "$(jq -r .program "$json/$name.json" 2> /dev/null)" ] || rows=$(print_rows "$json/$name.json")
  [ -z "$rows" ] || echo "$rows"
  if [ -z "$rows" ] || { [ $ended -ne 0 ] && [[ $rows != *'**missed**'* ]]; }; then
    echo "| $name | ended with $ended: $(tail -n 1 "$json/$name.log") | | **missed** |"
  fi
done | tee -a build/bench.md
! grep -qF '**missed**' build/bench.md
