#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: names.sh ROOT
# Every test and case that README.md names in its table is there.
set -euo pipefail
cd "$1/tests"

# Names of this folder's shape in the right column of table rows on standard input.
named() {
  sed -n 's/^| .* | \(.*\) |$/\1/p' | grep -oE '\b[a-z0-9]+(_[a-z0-9]+)+\b' | sort -u
}

# A test, or a case in one.
exists() { # NAME
  compgen -G "*/test_$1.c" > /dev/null || compgen -G "${1%%_*}/test_${1#*_}.c" > /dev/null ||
    [ -f "interop/$1.js" ] || grep -rqE "^static void $1\(|\b$1\(" --include='*.c' .
}

missing() {
  local name
  while read -r name; do
    exists "$name" || echo "$name"
  done
}

# The check can fail, and sees what it should see.
row='| what | `neighbours`: no_such_case; `no_such_test`; empty_datagrams; `sdp_parse`; `chromium_crowd` |'
[ "$(named <<< "$row" | missing | tr '\n' ' ')" = 'no_such_case no_such_test ' ]

names=$(named < regress/README.md)
gone=$(missing <<< "$names")
echo "$(wc -l <<< "$names") names, not there: ${gone:-none}"
[ "$(wc -l <<< "$names")" -gt 80 ] && [ -z "$gone" ]
