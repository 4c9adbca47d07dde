#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `each` calls functions by name.
# shellcheck disable=SC2317,SC2329
set -euo pipefail

usage() {
  cat <<'END'
usage: bars.sh [--build FOLDER] [--out FOLDER] [--minutes N] [--seeds "N..."] [--jobs N]

Measures the player against its bars, in virtual time, and prints a table. The exit status is 0 only
if all are met. The first three bars are of the curve over the weights: the one weight, for all seeds,
with the least delay among those that conceal no more than NetEQ's model and 0.05 points. FOLDER of
--build is where the project was built (build/release), that of --out is BUILD/bench: what was heard
over 20 % loss goes there as WAV. The results of the single runs stay in BUILD/bench/runs.
END
}

# shellcheck source=tests/bench/playout/jobs.sh
. "$(dirname "$0")/jobs.sh"
bench_options "$@"
bench_begin jq
# `live` is the profile as it is: 20.
weights='5 10 15 live 25 30 40 60 100 200'

# ---- what is run ----

# The curve of the player over its weights, and NetEQ.
sweep() { # TRACE FRAME_MS SEED
  local trace=$1 frame=$2 seed=$3 weight
  local common="--json --no-quality --trace $trace --frame-ms $frame --minutes $minutes --seed $seed"
  for weight in $weights; do
    if [ "$weight" = live ]; then
      run "$trace-live-$seed" "$common"
    else
      run "$trace-$weight-$seed" "$common --weight $weight"
    fi
  done
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
  run "asks-$seed" "${lossy#--json} --cap 60"
  run "stoi-$seed" "--json --loss 30 --frame-ms 20 --bitrate 40000 --cap 60 --minutes $minutes \
    --seed $seed"
  run "gap-$seed" "--trace still --policy fixed:40 --late-gap 3 --no-quality --minutes 5 --seed $seed"
  run "return-$seed" "--trace busy --then quiet --after 10 --minutes 15 --no-quality --seed $seed"
done
for policy in paw neteq neteq-nack fixed:60; do
  run "heard-$policy" "--json --policy $policy --loss 20 --burst 15 --minutes 1 \
    --wav '$target/${policy/:/-}.wav'"
done
bench_wait

# Beside others a run costs more.
jobs=1
for seed in $seeds; do
  run "cost-$seed" "--cost --no-quality --minutes 5 --seed $seed"
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
  printf '%-50s %2s %-6s' "$what" "$sign" "$limit"
  printf ' %9s' "$@"
  printf '  %s\n' "$verdict"
}

tell() { # WHAT FIGURE...
  local what=$1
  shift
  printf '%-28s' "$what"
  printf ' %17s' "$@"
  echo
}

run_field() { # NAME FIELD SEED
  if [ -e "$out/runs/$1-$3" ]; then
    printf '%.4g' "$(field "$1-$3" "$2")"
  else
    echo -
  fi
}

pair() { # NAME SEED
  jq -r '"\(.delay_mean_ms * 10 | round / 10) / \(.concealed_pct)"' "$out/runs/$1-$2"
}

# The point of the curve that counts; - when there is none.
choose() { # TRACE
  local point limit
  limit=$(mean "$1-neteq" concealed_pct)
  for point in $weights; do
    echo "$point $(mean "$1-$point" concealed_pct) $(mean "$1-$point" delay_mean_ms)"
  done | awk -v limit="$limit" '
    $2 <= limit + 0.05 && (best == "" || $3 < best) { best = $3; point = $1 }
    END { print point == "" ? "-" : point }'
}

share_of_neteq() { # NAME SEED
  local trace=${1%%-*} delay
  delay=$(run_field "$1" delay_mean_ms "$2")
  if [ "$delay" = - ]; then
    echo -
  else
    awk -v a="$delay" -v b="$(field "$trace-neteq-$2" delay_mean_ms)" 'BEGIN { printf "%.3f", a / b }'
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

echo "bar ($minutes min; a column for each of the seeds $seeds)"
point=$(choose quiet)
each run_field "quiet-$point" delay_mean_ms
row "quiet, weight $point: mean delay, ms" '<=' 13 "${figures[@]}"
point=$(choose bunched)
each run_field "bunched-$point" delay_mean_ms
row "bunched, weight $point: mean delay, ms" '<=' 33 "${figures[@]}"
point=$(choose busy)
each share_of_neteq "busy-$point"
row "busy, 20 ms frames, weight $point: against neteq" '<=' 0.85 "${figures[@]}"
each text start 'one second after the start'
row 'delay one second after the start, quiet, ms' '<=' 25 "${figures[@]}"
each run_field loss60 concealed_pct
row '20 % loss, burst 15 ms, cap 60: concealed, %' '<=' 1.2 "${figures[@]}"
each run_field loss80 concealed_pct
row '                        cap 80: concealed, %' '<=' 0.4 "${figures[@]}"
each run_field stoi stoi
row '30 % independent, 20 ms, 40 kbit/s, cap 60: STOI' '>=' 0.99 "${figures[@]}"
each text gap 'packet 1: least'
row 'first frame after a late-repaired gap, dB (least)' '>=' 35 "${figures[@]}"
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
echo "mean delay, ms / concealed, %; live is the profile as it is"
for trace in quiet bunched busy spikes; do
  for point in neteq neteq-nack $weights; do
    each pair "$trace-$point"
    tell "$trace, $point" "${figures[@]}"
  done
done
for name in loss60 loss80; do
  each pair $name
  tell "20 % loss, cap ${name#loss}" "${figures[@]}"
done
each text asks 'the requests another'
tell 'requests against media, %' "${figures[@]}"
echo "what was heard over 20 % loss, burst 15 ms: paw.wav, neteq.wav and others in $target"
exit $failed
