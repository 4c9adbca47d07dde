# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts that build and run suites share: steps that say how long they took, results that
# add up, a last line that tells them. Sourced in the folder of the source; `finish` is the end.
set -uo pipefail
export LC_ALL=C.UTF-8
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
passed=0
failed=0
begin=$SECONDS

say() {
  echo "== $* ($((SECONDS - begin)) s)"
}

fail_step() {
  say "FAILED: $*"
  failed=$((failed + 1))
}

finish() {
  say "done"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

# What the compiler said in a log of ninja, at most.
show_build() { # LOG
  grep -vE '^\[[0-9]+/[0-9]+\] (Compiling|Linking)' "$1" | tail -60
}

# Run tests in a folder that was built, and add up. Sets skipped: the names of those that were not run.
# False when there were none.
run_tests() { # FOLDER LOGBASE MESON_TEST_OPTION...
  local folder=$1 log=$1/meson-logs/$2.json options=(--no-rebuild --print-errorlogs --logbase "$2") results
  shift 2
  skipped=()
  rm -f "$log"
  meson test -C "$folder" "${options[@]}" "$@"
  local status=$?
  if [ -s "$log" ]; then
    mapfile -t results < <(tests/count_results.sh "$log")
    skipped=("${results[@]:1}")
  else
    results=('0 0')
  fi
  local run_passed=${results[0]% *} run_failed=${results[0]#* }
  passed=$((passed + run_passed))
  failed=$((failed + run_failed))
  if [ "$status" -ne 0 ] && [ "$run_failed" -eq 0 ]; then
    fail_step "meson test in $folder ended with status $status"
  fi
  [ -s "$log" ]
}
