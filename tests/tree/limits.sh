#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: limits.sh ROOT
# Every bound has a row in tests/tree/limits.md that names the cases which reach it and pass it:
# each macro of lib/base/limits.h, and what is called ..._MAX in include/ and in examples/. Every
# row names a bound that is there and is used, and cases that are there and are run.
set -euo pipefail
cd "$1"
table=tests/tree/limits.md
errors=0

complain() { # TEXT
  echo "$1"
  errors=$((errors + 1))
}

defined() { # PATTERN FILE...
  local pattern=$1
  shift
  { grep -hoE "^#[ \t]*define[ \t]+$pattern\b[^(]" "$@" || true; } | awk '{ print $2 }'
}

bounds() {
  defined 'PAW_[A-Z0-9_]+' lib/base/limits.h | grep -vx PAW_BASE_LIMITS_H
  local folder pattern
  for folder in include examples; do
    pattern='[A-Z0-9_]*_MAX(_[A-Z]+)?'
    if [ -d "$folder" ]; then
      mapfile -t files < <(find "$folder" -name '*.[ch]')
      [ ${#files[@]} -eq 0 ] || defined "$pattern" "${files[@]}"
    fi
  done
}

# The rows as BOUND TAB REACHED TAB PASSED.
rows() {
  sed -nE 's/^\| ([A-Z][A-Z0-9_]*) \| (.*) \| (.*) \|$/\1\t\2\t\3/p' "$table"
}

# The file of a test of cmocka or of a script; nothing when there is none, or when it is not run.
file_of() { # TEST
  local room=${1%%_*} rest=${1#*_} file
  for file in "tests/$room/test_$rest.c" "tests/scenario/test_$1.c" "tests/regress/test_$1.c" \
    "tests/program/$1.sh"; do
    if [ -f "$file" ]; then
      local what=${file##*/}
      what=${what#test_}
      what=${what%.*}
      if grep -qE "'$what'|test_$what\.c|'$what\.sh'" "${file%/*}/meson.build"; then
        echo "$file"
      fi
      return
    fi
  done
}

check_case() { # BOUND FILE CASE
  case $2 in
  *.c) { grep -qE "^static void $3\(void \*\*state\)" "$2" &&
    grep -qE "^ .*\b[A-Za-z_]+\($3[,)]" "$2"; } || complain "$1: $2 has no case $3" ;;
  *) grep -qw -- "$3" "$2" || complain "$1: $2 says nothing of $3" ;;
  esac
}

check_cell() { # BOUND CELL
  local part test cases file name
  [[ $2 == 'none: '?* ]] && return
  while read -r part; do
    if ! [[ $part =~ ^\`([a-z0-9_]+)\`(: ([A-Za-z0-9_, -]+))?$ ]]; then
      complain "$1: neither tests nor 'none: WHY': $part"
      continue
    fi
    test=${BASH_REMATCH[1]}
    cases=${BASH_REMATCH[3]}
    file=$(file_of "$test")
    if [ -z "$file" ]; then
      complain "$1: no such test: $test"
      continue
    fi
    [[ $file == *.sh || -n $cases ]] || complain "$1: which case of $test?"
    while read -r name; do
      [ -z "$name" ] || check_case "$1" "$file" "$name"
    done <<< "${cases//, /$'\n'}"
  done <<< "${2//; /$'\n'}"
}

all=$(bounds | sort -u)
listed=$(rows | cut -f 1)
while read -r name; do
  complain "$name: has no row in $table"
done < <(comm -23 <(echo "$all") <(sort -u <<< "$listed") | sed '/^$/d')
while read -r name; do
  complain "$name: a row, but no such bound"
done < <(comm -13 <(echo "$all") <(sort -u <<< "$listed") | sed '/^$/d')
while read -r name; do
  complain "$name: more than one row"
done < <(sort <<< "$listed" | uniq -d)
used=$({ find lib include examples -name '*.[ch]' 2> /dev/null || true; } |
  xargs grep -hoE '\b[A-Z][A-Z0-9_]+\b' | sort | uniq -d)
while read -r name; do
  complain "$name: is used nowhere"
done < <(comm -23 <(echo "$all") <(echo "$used") | sed '/^$/d')
while IFS=$'\t' read -r name reached passed; do
  check_cell "$name" "$reached"
  check_cell "$name" "$passed"
done < <(rows)

reasons=$(rows | grep -c 'none: ' || true)
echo "$(wc -l <<< "$all") bounds, $reasons of them with a reason instead of a test, $errors errors"
[ -n "$all" ] && [ "$errors" -eq 0 ]
