#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What takes too long for every run: the suite `long`, and the suite `scenario` under valgrind but for
# what fails and counts allocations itself. tests/README.md has its last results.
set -euo pipefail
if [ $# -gt 0 ]; then
  echo 'usage: tests/long.sh' >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
status=0
"$root/tests/run.sh" long || status=1
echo '== scenarios under valgrind'
meson test -C "$root/build/release" --setup valgrind --suite scenario --no-suite oom --print-errorlogs ||
  status=1
exit "$status"
