#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -uo pipefail

usage() {
  cat <<'END'
usage: tests/run.sh [SUITE]

Installs what is missing, builds three times and runs every suite of tests but long, or only SUITE,
in the builds that it belongs to:

  gcc      address and undefined-behaviour sanitizers; all suites but program, interop, oom and long
  clang    the same sanitizers; unit, scenario and fuzz-replay
  release  gcc -O2 without sanitizers; program, interop, oom, symbols and long, one test at a time

The builds are made in build/. The last line says how many tests passed and failed; the exit status
is 0 only if none failed. tests/README.md says more.
END
}

case ${1:-} in
-h | --help)
  usage
  exit
  ;;
-*)
  usage >&2
  exit 2
  ;;
esac
only_suite=${1:-}
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
export LC_ALL=C.UTF-8
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
passed=0
failed=0
begin=$SECONDS

say() {
  echo "== $* ($((SECONDS - begin)) s)"
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

fail_step() {
  say "FAILED: $*"
  failed=$((failed + 1))
}

# Set up build/NAME, anew when it cannot be taken as it is, and build it.
build() { # NAME OPTION...
  local folder=build/$1
  shift
  if [ -e "$folder/build.ninja" ]; then
    meson setup --reconfigure "$folder" "$@" > "$folder.log" 2>&1 || rm -rf "$folder"
  fi
  if [ ! -e "$folder/build.ninja" ]; then
    rm -rf "$folder"
    mkdir -p build
    meson setup "$folder" "$@" > "$folder.log" 2>&1 || {
      tail -30 "$folder.log"
      return 1
    }
  fi
  ninja -C "$folder" > "$folder.log" 2>&1 || {
    grep -vE '^\[[0-9]+/[0-9]+\] (Compiling|Linking)' "$folder.log" | tail -60
    return 1
  }
}

# Run suites in a folder that was built.
run_suites() { # NAME MESON_TEST_OPTION...
  local folder=build/$1 log=build/$1/meson-logs/run.json results
  shift
  rm -f "$log"
  meson test -C "$folder" --no-rebuild --print-errorlogs --logbase run "$@"
  local status=$?
  if [ ! -s "$log" ]; then
    echo "(no tests)"
    [ "$status" -eq 0 ] || fail_step "meson test in $folder"
    return
  fi
  mapfile -t results < <(tests/count_results.sh "$log")
  local run_passed=${results[0]% *} run_failed=${results[0]#* }
  passed=$((passed + run_passed))
  failed=$((failed + run_failed))
  if [ "$status" -ne 0 ] && [ "$run_failed" -eq 0 ]; then
    fail_step "meson test in $folder ended with status $status"
  fi
  [ ${#results[@]} -eq 1 ] || echo "skipped: ${results[*]:1}"
}

# The options of meson that choose, out of the suites of a build, the one asked for. False when the
# build has no part in it.
choose_suites() { # all-but|only SUITE...
  local mode=$1 suite
  shift
  options=()
  if [ -z "$only_suite" ]; then
    for suite in "$@"; do
      if [ "$mode" = only ]; then
        options+=(--suite "$suite")
      else
        options+=(--no-suite "$suite")
      fi
    done
    return 0
  fi
  local listed=no
  [[ " $* " != *" $only_suite "* ]] || listed=yes
  options=(--suite "$only_suite")
  [[ $mode-$listed == only-yes || $mode-$listed == all-but-no ]]
}

# The tests with a browser drive it by a package of npm.
install_driver() {
  local folder=tests/interop
  [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] ||
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund
}

build_and_run() { # NAME COMPILER MESON_OPTION... -- MESON_TEST_OPTION...
  local name=$1 compiler=$2 setup=()
  shift 2
  while [ "$1" != -- ]; do
    setup+=("$1")
    shift
  done
  shift
  say "building $name"
  if ! CC=$compiler build "$name" --werror -Dprograms=enabled "${setup[@]}"; then
    fail_step "the build $name"
    return
  fi
  say "testing $name"
  run_suites "$name" "$@"
}

say "packages"
if ! examples/packages.sh tests; then
  fail_step "installing packages"
  finish
fi

sanitizers=-Db_sanitize=address,undefined
if choose_suites all-but program interop oom long; then
  build_and_run gcc gcc $sanitizers -- "${options[@]}"
fi
if choose_suites only unit scenario fuzz-replay; then
  build_and_run clang clang $sanitizers -Db_lundef=false -- "${options[@]}"
fi
in_release=(program interop oom symbols)
if [ "$only_suite" = long ]; then
  in_release=(long)
fi
if choose_suites only "${in_release[@]}"; then
  if [[ ${only_suite:-interop} =~ ^(interop|long)$ ]] && ! install_driver; then
    fail_step "installing playwright-core"
  fi
  build_and_run release gcc -- --num-processes 1 "${options[@]}"
fi

say "done"
finish
