#!/bin/sh
# SPDX-License-Identifier: MIT
# Proves that a replay fails where it should: on a broken promise, on a read past the end and on a
# leak if there are sanitizers, and when it replays nothing. Of another machine's programs, meson says
# what runs them.
set -eu
if [ $# -ne 2 ]; then
  echo 'usage: fuzz/selfcheck.sh PLANTED SANITIZERS' >&2
  exit 2
fi
planted=$1
sanitizers=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# Replays a folder with a file of this content, or with none.
replay() { # CONTENT
  rm -rf "$scratch/inputs"
  mkdir "$scratch/inputs"
  [ -z "$1" ] || printf %s "$1" > "$scratch/inputs/$1"
  status=0
  ${MESON_EXE_WRAPPER:-} "$planted" "$scratch/inputs" > "$scratch/out" 2>&1 || status=$?
}

fail() {
  echo "FAILED: $1 ended with $status"
  sed 5q "$scratch/out"
  failed=1
}

expect() { # STATUS CONTENT
  replay "$2"
  [ "$status" -eq "$1" ] || fail "'$2'"
}

expect_death() { # CONTENT WORD_IN_OUTPUT
  replay "$1"
  [ "$status" -ne 0 ] && [ "$status" -ne 2 ] && grep -q "$2" "$scratch/out" ||
    fail "'$1'"
}

expect 0 harmless
expect_death crash 'does not hold'
if [ "$sanitizers" != none ]; then
  expect_death overread heap-buffer-overflow
  expect_death leak 'detected memory leaks'
fi
expect 2 ''
exit $failed
