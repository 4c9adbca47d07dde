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
  release  gcc -O2 without sanitizers; oom and symbols; program, interop and long one test at a time, but
           for those that do little else than wait

The builds are made in build/: gcc whole, the others as far as their suites need them. The last line
says how many tests passed and failed; the exit status is 0 only if none failed. tests/README.md says
more.
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
. tests/steps.sh

# What tests of these suites need of a build.
targets_of() { # FOLDER SUITE...
  local folder=$1
  shift
  jq -nr --slurpfile tests <(meson introspect "$folder" --tests) \
    --slurpfile targets <(meson introspect "$folder" --targets) --arg folder "$root/$folder/" '
      [$tests[0][] | select(any(.suite[]; IN($ARGS.positional[]))).depends[]] as $needed
      | $targets[0][] | select(.id | IN($needed[])).filename[] | ltrimstr($folder)' \
    --args "${@/#/libpawebrtc:}"
}

# Set up build/NAME, anew when it cannot be taken as it is, and build it, or what SUITES need of it.
build() { # NAME "SUITE..." OPTION...
  local folder=build/$1 suites targets=()
  read -ra suites <<< "$2"
  shift 2
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
  if [ ${#suites[@]} -gt 0 ]; then
    mapfile -t targets < <(targets_of "$folder" "${suites[@]}")
  fi
  ninja -C "$folder" "${targets[@]}" > "$folder.log" 2>&1 || {
    show_build "$folder.log"
    return 1
  }
}

# Run suites in a folder that was built.
run_suites() { # NAME LOGBASE MESON_TEST_OPTION...
  local folder=build/$1 logbase=$2
  shift 2
  say "testing ${folder##*/}"
  run_tests "$folder" "$logbase" "$@" || echo "(no tests)"
  [ ${#skipped[@]} -eq 0 ] || echo "skipped: ${skipped[*]}"
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

build_step() { # NAME COMPILER "SUITE..." MESON_OPTION...
  local name=$1 compiler=$2 suites=$3
  shift 3
  say "building $name"
  CC=$compiler build "$name" "$suites" --werror -Dprograms=enabled "$@" && return
  fail_step "the build $name"
  return 1
}

say "packages"
if ! examples/packages.sh tests; then
  fail_step "installing packages"
  finish
fi

sanitizers=-Db_sanitize=address,undefined
if choose_suites all-but program interop oom long; then
  build_step gcc gcc "$only_suite" $sanitizers && run_suites gcc run "${options[@]}"
fi
in_clang=(unit scenario fuzz-replay)
if choose_suites only "${in_clang[@]}"; then
  build_step clang clang "${only_suite:-${in_clang[*]}}" $sanitizers -Db_lundef=false &&
    run_suites clang run "${options[@]}"
fi
in_release=(program interop oom symbols)
if [ "$only_suite" = long ]; then
  in_release=(long)
fi
if choose_suites only "${in_release[@]}"; then
  if [[ ${only_suite:-interop} =~ ^(interop|long)$ ]] && ! install_driver; then
    fail_step "installing playwright-core"
  fi
  if build_step release gcc "${only_suite:-${in_release[*]}}"; then
    choose_suites only oom symbols && run_suites release run "${options[@]}"
    # Four at a time are only those that wait, `is_parallel` in tests/program.
    choose_suites only program interop && run_suites release real --num-processes 4 "${options[@]}"
    [ "$only_suite" != long ] || run_suites release long --num-processes 1 --suite long
  fi
fi
finish
