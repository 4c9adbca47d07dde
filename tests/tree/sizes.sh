#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: sizes.sh ROOT
# No file over 800 lines, no function of lib/ or examples/ over 80.
set -euo pipefail
cd "$1"

source_files() { # FOLDER...
  find "$@" -type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.js' -o -name '*.html' \
    -o -name '*.css' \) -not -path '*/vectors/*' -not -path '*/node_modules/*' 2>/dev/null || true
}

long_files() {
  source_files include lib examples tests fuzz | xargs -r awk '
    FNR == 801 { print FILENAME ": more than 800 lines" }'
}

# The format of the code puts the braces of a function, and of nothing inside it, at known places.
long_functions() {
  source_files lib examples | grep '\.[ch]$' | xargs -r awk '
    FNR == 1 { start = 0 }
    /^[A-Za-z].*\) \{$/ || /^ .*\) \{$/ && !start { start = FNR; name = $0 }
    /^}$/ && start {
      if (FNR - start + 1 > 80) print FILENAME ":" start ": " FNR - start + 1 " lines: " name
      start = 0
    }'
}

count=$(source_files include lib examples tests fuzz | wc -l)
found=$(long_files; long_functions)
[ -z "$found" ] || echo "$found"
echo "$count files"
[ "$count" -gt 0 ] && [ -z "$found" ]
