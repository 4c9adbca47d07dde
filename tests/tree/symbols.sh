#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: symbols.sh ROOT LIBRARY.so [--update]
# The library exports what exported_symbols.txt lists, which is what the public headers declare; all
# that has linkage begins with paw_, in the static library beside it too, where nothing is hidden; and
# it needs no libraries but its own few. --update writes the list.
set -euo pipefail
root=$1
library=$2
list=$root/tests/tree/exported_symbols.txt
errors=0

complain() {
  echo "$1"
  errors=$((errors + 1))
}

exported() {
  nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' | LC_ALL=C sort -u
}

# Sanitizers add symbols of their own to every object; they begin with two underscores.
linked() {
  nm -g --defined-only "${library%.so*}.a" | awk 'NF == 3 && $3 !~ /^__/ { print $3 }' | LC_ALL=C sort -u
}

# A declaration may take several lines, of which the first has PAW_API and a later one the name.
declared() {
  grep -hv '^#' "$root"/include/pawebrtc/*.h | tr '\n' ' ' | grep -oE 'PAW_API [^;(]*\(' |
    sed -E 's/.*[ *]([A-Za-z0-9_]+)\($/\1/' | LC_ALL=C sort -u
}

needed() {
  objdump -p "$library" | awk '$1 == "NEEDED" { print $2 }'
}

if [ "${3:-}" = --update ]; then
  declared > "$list"
  exit
fi

if ! diff -u --label exported_symbols.txt "$list" --label exported <(exported); then
  complain "what $library exports is not what exported_symbols.txt lists"
fi
if ! diff -u --label exported_symbols.txt "$list" --label declared <(declared); then
  complain "what the public headers declare is not what exported_symbols.txt lists (--update)"
fi
while read -r symbol; do
  complain "$symbol: an exported symbol that does not begin with paw_"
done < <(exported | grep -v '^paw_' || true)
while read -r symbol; do
  complain "$symbol: linked in the static library, and does not begin with paw_"
done < <(linked | grep -v '^paw_' || true)
while read -r name; do
  case $name in
  libsrtp2.so.* | libmbedtls.so.* | libmbedx509.so.* | libmbedcrypto.so.*) ;;
  libopus.so.* | libm.so.* | libc.so.*) ;;
  *) complain "$name: a library that this one must not need" ;;
  esac
done < <(needed)

[ -s "${library%.so*}.a" ] || complain "${library%.so*}.a: no static library beside $library"

echo "$(exported | wc -l) symbols, $(needed | wc -l) libraries, $errors errors"
[ "$errors" -eq 0 ]
