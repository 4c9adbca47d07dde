#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What takes too long for every run: the suite `long`. tests/README.md has its last results.
set -euo pipefail
exec "$(dirname "$0")/run.sh" long
