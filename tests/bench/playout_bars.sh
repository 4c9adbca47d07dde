#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail

usage() {
  cat <<'END'
usage: playout_bars.sh [--build FOLDER] [--minutes N] [--seeds "N..."] [--jobs N]

Measures the player against its bars, in virtual time, and prints a table. The exit status is 0 only
if all are met. FOLDER is where the project was built (build/release); the results of the single runs
stay in FOLDER/bench/runs, and what was heard over 20 % loss as WAV in FOLDER/bench.
END
}

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/release
minutes=20
seeds='1 2 3'
while [ $# -gt 0 ]; do
  case $1 in
  --build) build=$2 ;;
  --minutes) minutes=$2 ;;
  --seeds) seeds=$2 ;;
  --jobs) jobs=$2 ;;
  -h | --help)
    usage
    exit
    ;;
  *)
    usage >&2
    exit 2
    ;;
  esac
  shift 2
done
weights='5 10 15 20 25 30 40 60 100 200'
# shellcheck source=tests/bench/jobs.sh
. "$root/tests/bench/jobs.sh"
bench_begin "$build" "$build/bench"

# ---- what is run ----

# The curve of the player over its weights, its default, and NetEQ.
sweep() { # TRACE FRAME_MS SEED
  local trace=$1 frame=$2 seed=$3 weight
  local common="--json --no-quality --trace $trace --frame-ms $frame --minutes $minutes --seed $seed"
  for weight in $weights; do
    run "$trace-$weight-$seed" "$common --weight $weight"
  done
  run "$trace-live-$seed" "$common"
  run "$trace-neteq-$seed" "$common --policy neteq"
  run "$trace-neteq-nack-$seed" "$common --policy neteq-nack"
}

for seed in $seeds; do
  sweep quiet 10 "$seed"
  sweep bunched 10 "$seed"
  sweep busy 20 "$seed"
  sweep spikes 10 "$seed"
  run "start-$seed" "--minutes 0.1 --no-quality --seed $seed"
  lossy="--json --no-quality --loss 20 --burst 15 --minutes $minutes --seed $seed"
  run "loss60-$seed" "$lossy --cap 60"
  run "loss80-$seed" "$lossy --cap 80"
  run "stoi-$seed" "--json --loss 30 --frame-ms 20 --bitrate 40000 --cap 60 --minutes $minutes \
    --seed $seed"
  run "gap-$seed" "--policy fixed:40 --late-gap 3 --no-quality --minutes 5 --seed $seed"
  run "return-$seed" "--trace busy --then quiet --after 10 --minutes 15 --no-quality --seed $seed"
  run "cost-$seed" "--cost --no-quality --minutes 5 --seed $seed"
done
for policy in paw neteq neteq-nack fixed:60; do
  run "heard-$policy" "--json --policy $policy --loss 20 --burst 15 --minutes 1 \
    --wav $out/${policy/:/-}.wav"
done
bench_wait

# ---- what came of it ----

failed=0

# Is every number in the list as it should be?
row() { # WHAT LIMIT_SIGN LIMIT FIGURE...
  local what=$1 sign=$2 limit=$3 verdict
  shift 3
  verdict=$(awk -v sign="$sign" -v limit="$limit" 'BEGIN {
    for (i = 1; i < ARGC; i++) {
      ok = ARGV[i] != "-" && (sign == "<=" ? ARGV[i] + 0 <= limit + 0 : ARGV[i] + 0 >= limit + 0)
      if (!ok) bad = 1
    }
    print bad ? "FAIL" : "pass"
  }' "$@")
  [ "$verdict" = pass ] || failed=1
  printf '%-46s %2s %-6s %9s %9s %9s  %s\n' "$what" "$sign" "$limit" "${1:--}" "${2:--}" "${3:--}" \
    "$verdict"
}

tell() { # WHAT FIGURE...
  local what=$1
  shift
  printf '%-24s %18s %18s %18s\n' "$what" "${1:--}" "${2:--}" "${3:--}"
}

# A figure for each seed: the name of a function, and its arguments.
each() { # FUNCTION ARGUMENT...
  local seed
  figures=()
  for seed in $seeds; do
    figures+=("$("$@" "$seed")")
  done
}

run_field() { # NAME FIELD SEED
  printf '%.4g' "$(field "$1-$3" "$2")"
}

pair() { # NAME SEED
  jq -r '"\(.delay_mean_ms * 10 | round / 10) / \(.concealed_pct)"' "$out/runs/$1-$2"
}

# Of those points of the curve that conceal no more than NetEQ and 0.05 points, the least delay.
best() { # TRACE SEED
  local trace=$1 seed=$2 point limit
  limit=$(field "$trace-neteq-$seed" concealed_pct)
  for point in $weights live; do
    jq -r '"\(.concealed_pct) \(.delay_mean_ms)"' "$out/runs/$trace-$point-$seed"
  done | awk -v limit="$limit" '
    $1 <= limit + 0.05 && (best == "" || $2 < best) { best = $2 }
    END { printf best == "" ? "-" : "%.4g", best }'
}

best_share() { # TRACE SEED
  local best
  best=$(best "$1" "$2")
  if [ "$best" = - ]; then
    echo -
  else
    awk -v a="$best" -v b="$(field "$1-neteq-$2" delay_mean_ms)" 'BEGIN { printf "%.3f", a / b }'
  fi
}

# The number after a word in the text that a run printed.
text() { # NAME PATTERN SEED
  sed -nE "s/.*$2 ([-0-9.]+).*/\1/p" "$out/runs/$1-$3" | head -1
}

returned() { # SEED
  local seconds
  seconds=$(sed -nE 's/^return +([0-9]+) s until.*/\1/p' "$out/runs/return-$1")
  echo "${seconds:--}"
}

printf '%-46s %9s %9s %9s %9s\n' "bar ($minutes min; seeds $seeds)" '' '' '' ''
each best quiet
row 'quiet: mean delay at neteq + 0.05, ms' '<=' 13 "${figures[@]}"
each best bunched
row 'bunched: the same, ms' '<=' 33 "${figures[@]}"
each best_share busy
row 'busy, 20 ms frames: the same against neteq' '<=' 0.85 "${figures[@]}"
each text start 'one second after the start'
row 'delay one second after the start, quiet, ms' '<=' 25 "${figures[@]}"
each run_field loss60 concealed_pct
row '20 % loss, burst 15 ms, cap 60: concealed, %' '<=' 1.2 "${figures[@]}"
each run_field loss80 concealed_pct
row '                        cap 80: concealed, %' '<=' 0.4 "${figures[@]}"
each run_field stoi stoi
row '30 % independent, 20 ms, 40 kbit/s, cap 60: STOI' '>=' 0.99 "${figures[@]}"
each text gap 'packet 1:.* median'
row 'first frame after a late-repaired gap, dB' '>=' 35 "${figures[@]}"
each run_field loss60 overhead_pct
row 'repair overhead at 20 % loss, cap 60, %' '<=' 35 "${figures[@]}"
each run_field loss80 overhead_pct
row '                              cap 80, %' '<=' 35 "${figures[@]}"
each returned
row '10 min busy, then quiet: back after, s' '<=' 60 "${figures[@]}"
each text cost '[0-9.]+ in libopus,'
row 'receive path without Opus, us a frame' '<=' 10 "${figures[@]}"
each text cost 'without;'
row 'allocations' '<=' 0 "${figures[@]}"

echo
printf '%-30s %s\n' 'mean delay, ms / concealed, %' "a column a seed"
for trace in quiet bunched busy spikes; do
  for point in neteq neteq-nack live $weights; do
    each pair "$trace-$point"
    tell "$trace, $point" "${figures[@]}"
  done
done
for name in loss60 loss80; do
  each pair $name
  tell "20 % loss, cap ${name#loss}" "${figures[@]}"
done
echo "what was heard over 20 % loss, burst 15 ms: $(cd "$out" && ls -1 ./*.wav | tr '\n' ' ')in $out"
exit $failed
