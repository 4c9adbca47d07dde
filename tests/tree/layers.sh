#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: layers.sh ROOT
# Reads the #include lines of lib/ and fails on an upward or sideways one, and on unknown rooms.
# It is this list that makes the tree the architecture.
set -euo pipefail
cd "$1"

declare -A storey=(
  [base]=0
  [stun]=1 [rtp]=1 [rtcp]=1 [sdp]=1
  [opus]=2 [sync]=2
  [ice]=3 [turn]=3 [dtls]=3 [srtp]=3 [stream]=3 [playout]=3
  [rtc]=4
  [hub]=5
)
errors=0

complain() {
  echo "$1"
  errors=$((errors + 1))
}

check_include() { # FILE ROOM INCLUDED
  local file=$1 room=$2 included=$3
  local other=${included%%/*}
  if [ ! -e "lib/$included" ]; then
    complain "$file: \"$included\" is not a file of lib/ (write \"room/file.h\")"
  elif [ -z "${storey[$other]:-}" ]; then
    complain "$file: \"$included\" is of no known room"
  elif [ "$other" != "$room" ] && [ "${storey[$other]}" -ge "${storey[$room]}" ]; then
    complain "$file: \"$included\" is an include upwards or sideways"
  fi
}

check_file() { # FILE
  local file=$1
  local room=${file#lib/}
  room=${room%%/*}
  if [ -z "${storey[$room]:-}" ]; then
    complain "$file: unknown room"
    return
  fi
  local included
  while read -r included; do
    check_include "$file" "$room" "$included"
  done < <(sed -nE 's/^[ \t]*#[ \t]*include[ \t]*"([^"]*)".*/\1/p' "$file")
}

count=0
while read -r file; do
  check_file "$file"
  count=$((count + 1))
done < <(find lib -name '*.[ch]' | sort)

# Public headers know nothing of lib/.
while read -r line; do
  complain "$line: a public header includes by <pawebrtc/file.h> only"
done < <(grep -rnE '^[ \t]*#[ \t]*include[ \t]*"' include || true)

echo "$count files of lib/, $errors errors"
[ "$count" -gt 0 ] && [ "$errors" -eq 0 ]
