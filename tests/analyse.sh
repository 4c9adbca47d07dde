#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: analyse.sh [--root ROOT] [gcc|cppcheck|clang-tidy]...
#
# Static analysis of lib/ and examples/: gcc -fanalyzer, cppcheck, clang-tidy (its checks: .clang-tidy),
# or only those named. Fails when there is a finding, when a tool is missing, or when a file cannot be
# read as it is compiled.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
if [ "${1:-}" = --root ]; then
  root=$2
  shift 2
fi
tools=("$@")
[ $# -gt 0 ] || tools=(gcc cppcheck clang-tidy)
cd "$root" || exit 1
jobs=$(nproc)
flags=(-std=c11 -D_FILE_OFFSET_BITS=64 '-DPAW_VERSION="0"' -Iinclude -Ilib)
# gcc 12 does not see what a function of another file or of a library does: that fault_set() never
# returns 0, that fgets() and av_frame_alloc() fill something, that a pointer is kept. The library
# has no such calls and is checked for these too; so are the programs, by clang-tidy.
blind=(-Wno-analyzer-null-dereference -Wno-analyzer-malloc-leak
  -Wno-analyzer-use-of-uninitialized-value)

fail() {
  echo "analyse: $*" >&2
  exit 1
}

files_in() { # FOLDER
  find "$1" -name '*.c' 2> /dev/null | LC_ALL=C sort
}

mapfile -t library < <(files_in lib)
mapfile -t programs < <(files_in examples)
[ ${#library[@]} -gt 0 ] || fail "no files in $root/lib"
if [ ${#programs[@]} -gt 0 ]; then
  dependencies=$(pkg-config --cflags libsrtp2 opus alsa libmicrohttpd libcurl jansson libavformat \
    libavcodec libswresample) || fail 'not all libraries of the programs are here'
else
  dependencies=$(pkg-config --cflags libsrtp2 opus) || fail 'not all libraries are here'
fi
read -ra dependencies <<< "$dependencies"
flags+=("${dependencies[@]/#-I/-isystem}") # whose headers are not ours to mend
program_flags=(-D_GNU_SOURCE -Iexamples -Iexamples/common -Iexamples/pa-send -Iexamples/pa-recv)

each() { # COMMAND... {} ... < FILES; {} stands for one of them
  xargs -r -P "$jobs" -I{} "$@"
}

run_gcc() {
  local status=0
  local analyse=(gcc -O2 -Wall -Wextra -fanalyzer -Werror -c '{}' -o /dev/null "${flags[@]}")
  printf '%s\n' "${library[@]}" | each "${analyse[@]}" || status=1
  [ ${#programs[@]} -eq 0 ] ||
    printf '%s\n' "${programs[@]}" | each "${analyse[@]}" "${program_flags[@]}" "${blind[@]}" ||
    status=1
  return $status
}

# What it cannot find are the system's headers, which it does not need.
run_cppcheck() {
  local folders=(lib)
  [ ${#programs[@]} -eq 0 ] || folders+=(examples)
  cppcheck --enable=warning,performance,portability --std=c11 -j "$jobs" --quiet \
    --error-exitcode=1 -Iinclude -Ilib "${folders[@]}"
}

# It counts what it found in headers of the system, which is nothing to us.
run_clang_tidy() {
  local status=0
  {
    printf '%s\n' "${library[@]}" | each clang-tidy --quiet '{}' -- "${flags[@]}" || status=1
    [ ${#programs[@]} -eq 0 ] ||
      printf '%s\n' "${programs[@]}" |
      each clang-tidy --quiet '{}' -- "${flags[@]}" "${program_flags[@]}" || status=1
  } 2> >(grep -vE '^[0-9]+ warnings? (and [0-9]+ errors? )?generated' >&2)
  return $status
}

for tool in "${tools[@]}"; do
  case $tool in
  gcc | cppcheck | clang-tidy) ;;
  *) fail "unknown tool $tool" ;;
  esac
  command -v "$tool" > /dev/null || fail "$tool is missing: examples/packages.sh tests installs it"
done
status=0
for tool in "${tools[@]}"; do
  begin=$SECONDS
  if "run_${tool//-/_}"; then
    verdict='no findings'
  else
    verdict='FINDINGS'
    status=1
  fi
  echo "$tool: $verdict in $((${#library[@]} + ${#programs[@]})) files ($((SECONDS - begin)) s)"
done
exit $status
