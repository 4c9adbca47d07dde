# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by the scripts of this folder: many runs of bench_playout, a few at a time.
#
# bench_options "$@"         read the options that all have: build minutes seeds jobs target
# bench_begin PROGRAM...     find them, bench_playout and the speech; results go to $out/runs
# run NAME OPTION...         have one run done; its output will be in $out/runs/NAME
# bench_wait                 do them
# field NAME FIELD           out of the JSON of a run
# each FUNCTION ARGUMENT...  figures=(what it prints with each seed as last argument)
# mean NAME FIELD            out of the JSON of the runs NAME-SEED

bench_fail() { # TEXT
  echo "$(basename "$0"): $1" >&2
  exit 2
}

bench_number() { # OPTION VALUE PATTERN
  [[ $2 =~ ^($3)$ ]] || bench_fail "$1 $2: not understood; --help says what is"
}

bench_options() {
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
  build=$root/build/release
  minutes=20
  seeds='1 2 3'
  jobs=$(nproc)
  target=
  while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
      usage
      exit
      ;;
    --build | --minutes | --seeds | --jobs | --out) ;;
    *) bench_fail "$1: not understood; --help says what is" ;;
    esac
    [ $# -gt 1 ] || bench_fail "$1 needs a value; --help says which"
    case $1 in
    --build) build=$2 ;;
    --minutes) minutes=$2 ;;
    --seeds) seeds=$2 ;;
    --jobs) jobs=$2 ;;
    --out) target=$2 ;;
    esac
    shift 2
  done
  # The seconds at the beginning and the end are not of one kind with the rest.
  bench_number --minutes "$minutes" '[1-9][0-9]{0,2}'
  bench_number --seeds "$seeds" '[0-9]{1,15}( [0-9]{1,15})*'
  bench_number --jobs "$jobs" '[1-9][0-9]{0,2}'
}

bench_begin() {
  local program
  bench=$(realpath -m "$build/tests/bench/playout/bench_playout")
  out=$build/bench
  target=${target:-$out}
  [ -x "$bench" ] || bench_fail "there is no $bench; build it: \
meson setup --buildtype=release $build && ninja -C $build tests/bench/playout/bench_playout"
  for program in "$@"; do
    command -v "$program" > /dev/null || bench_fail "$program is missing: examples/packages.sh bench"
  done
  mkdir -p "$out/runs" "$target"
  PAW_BENCH_SPEECH=$("$root/tests/bench/playout/speech.sh" "$out") || bench_fail 'there is no speech'
  export PAW_BENCH_SPEECH bench
  : > "$out/jobs"
}

run() {
  local name=$1
  shift
  echo "'$out/runs/$name' $*" >> "$out/jobs"
}

bench_wait() {
  # shellcheck disable=SC2016
  sort -u "$out/jobs" | xargs -P "$jobs" -L 1 sh -c \
    'file=$1; shift; "$bench" "$@" > "$file.new" && mv "$file.new" "$file"' run
  : > "$out/jobs"
}

field() {
  jq -r ".$2" "$out/runs/$1"
}

each() {
  local seed
  figures=()
  for seed in $seeds; do
    figures+=("$("$@" "$seed")")
  done
}

mean() {
  local seed files=()
  for seed in $seeds; do
    files+=("$out/runs/$1-$seed")
  done
  jq -s "map(.$2) | add / length" "${files[@]}"
}
