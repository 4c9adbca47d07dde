#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: format.sh ROOT [FIX]
# Every C file is as clang-format writes it by the rules of .clang-format; with FIX it is made so.
set -euo pipefail
cd "$1"
mapfile -t files < <({ find include lib examples tests fuzz -name '*.[ch]' 2> /dev/null || true; } |
  grep -v /vectors/ | LC_ALL=C sort)
echo "${#files[@]} files"
[ ${#files[@]} -gt 0 ]
if [ "${2:-}" = FIX ]; then
  clang-format -i "${files[@]}"
fi
clang-format --dry-run -Werror "${files[@]}"
