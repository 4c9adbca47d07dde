# SPDX-License-Identifier: MIT
# Sourced by the scripts of this folder: many runs of bench_playout, a few at a time.
#
# bench_begin BUILD OUT      find the program and the speech; results go to OUT/runs
# run NAME OPTION...         have one run done; its output will be in OUT/runs/NAME
# bench_wait                 do them
# field NAME FIELD           out of the JSON of a run

bench_begin() {
  bench=$(realpath -m "$1/tests/bench/bench_playout")
  out=$2
  if [ ! -x "$bench" ]; then
    echo "there is no $bench; build it:" >&2
    echo "  meson setup --buildtype=release $1 && ninja -C $1 tests/bench/bench_playout" >&2
    exit 2
  fi
  mkdir -p "$out/runs"
  PAW_BENCH_SPEECH=$("$(dirname "${BASH_SOURCE[0]}")/speech.sh" "$out")
  export PAW_BENCH_SPEECH bench
  : > "$out/jobs"
}

run() {
  local name=$1
  shift
  echo "$out/runs/$name $*" >> "$out/jobs"
}

bench_wait() {
  # shellcheck disable=SC2016
  sort -u "$out/jobs" | xargs -P "${jobs:-$(nproc)}" -L 1 sh -c \
    'file=$1; shift; "$bench" "$@" > "$file.new" && mv "$file.new" "$file"' run
  : > "$out/jobs"
}

field() {
  jq -r ".$2" "$out/runs/$1"
}
