#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: count_results.sh LOG
# From a log of meson (*.json): "PASSED FAILED", and after that the names of tests that were skipped.
# Cases of cmocka count one by one, any other test as one. A test that died has failed, whatever had
# passed.
set -euo pipefail
exec jq -rs '
  def lines($text): (.stdout // "") | split("\n") | map(select(startswith($text))) | length;
  def good: .result == "OK" or .result == "EXPECTEDFAIL";
  map(select(.result != "SKIP")) as $run
  | [($run[] | [lines("[       OK ]"), if good then 1 else 0 end] | max)] as $passed
  | [($run[] | select(good | not) | [lines("[  FAILED  ]"), 1] | max)] as $failed
  | "\($passed | add // 0) \($failed | add // 0)",
    (.[] | select(.result == "SKIP") | .name)' "$1"
