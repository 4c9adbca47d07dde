#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What takes too long for every run: the suite `long`. tests/README.md has its last results.
set -euo pipefail
if [ $# -gt 0 ]; then
  echo 'usage: tests/long.sh' >&2
  exit 2
fi
exec "$(dirname "$0")/run.sh" long
