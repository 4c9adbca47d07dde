#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: headers.sh ROOT [CC [CXX]]
# Each public header compiles alone, and twice, as C11 and as C++17, without a warning.
set -uo pipefail
cd "$1" || exit 1
cc=${2:-cc}
cxx=${3:-c++}
count=0
errors=0

compile() { # HEADER COMPILER ARGUMENT...
  local header=$1
  shift
  if ! printf '#include <%s>\n#include <%s>\n' "$header" "$header" |
    "$@" -Wall -Wextra -Wpedantic -Wundef -Werror -Iinclude -fsyntax-only -; then
    echo "$header: does not compile alone with $*"
    errors=$((errors + 1))
  fi
}

for path in include/pawebrtc/*.h; do
  header=${path#include/}
  compile "$header" $cc -std=c11 -x c
  compile "$header" $cxx -std=c++17 -x c++
  count=$((count + 1))
done

echo "$count headers, $errors errors"
[ "$count" -gt 0 ] && [ "$errors" -eq 0 ]
