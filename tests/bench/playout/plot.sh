#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail

usage() {
  cat <<'END'
usage: plot.sh [--build FOLDER] [--out FOLDER] [--minutes N] [--seeds "N..."] [--jobs N]

Draws mean delay against concealment, each point the mean over the seeds:
  traces.png  the four traces; the player over its weights
  loss.png    20 % loss in bursts of 15, 40 and 100 ms; the player over its caps
and writes the figures beside them as CSV. FOLDER of --build is where the project was built
(build/release), that of --out is BUILD/bench.
END
}

# shellcheck source=tests/bench/playout/jobs.sh
. "$(dirname "$0")/jobs.sh"
bench_options "$@"
bench_begin jq gnuplot

weights='2 5 10 20 40 60 100 200'
delays='4 6 8 10 13 16 20 25 30 40 50 60 80 100'
caps='10 20 30 40 60 80 100 130 160 200'
bursts='15 40 100'

points() { # PANEL SERIES PARAMETER... -- OPTION...: one run a parameter and seed
  local panel=$1 series=$2 parameters=() parameter seed
  shift 2
  while [ "$1" != -- ]; do
    parameters+=("$1")
    shift
  done
  shift
  for parameter in "${parameters[@]}"; do
    for seed in $seeds; do
      run "plot-$panel-$series-$parameter-$seed" "--json --no-quality --minutes $minutes \
        --seed $seed ${*//@/$parameter}"
      echo "$panel $series $parameter $seed" >> "$out/points"
    done
  done
}

: > "$out/points"
for trace in quiet bunched busy spikes; do
  # shellcheck disable=SC2086
  points $trace paw $weights -- --trace $trace --weight @
  # shellcheck disable=SC2086
  points $trace fixed $delays -- --trace $trace --policy fixed:@
  points $trace default 0 -- --trace $trace
  points $trace neteq 0 -- --trace $trace --policy neteq
  points $trace neteq-nack 0 -- --trace $trace --policy neteq-nack
done
for burst in $bursts; do
  loss="--loss 20 --burst $burst"
  # shellcheck disable=SC2086
  points "burst$burst" paw $caps -- $loss --profile announcement --cap @
  # shellcheck disable=SC2086
  points "burst$burst" fixed $delays 130 160 200 -- $loss --policy fixed:@
  # shellcheck disable=SC2086
  points "burst$burst" default 0 -- $loss
  # shellcheck disable=SC2086
  points "burst$burst" neteq 0 -- $loss --policy neteq
  # shellcheck disable=SC2086
  points "burst$burst" neteq-nack 0 -- $loss --policy neteq-nack
done
bench_wait

csv=$target/playout.csv
echo 'panel,series,parameter,seed,delay_mean_ms,delay_p95_ms,concealed_pct,overhead_pct' > "$csv"
while read -r panel series parameter seed; do
  jq -r --arg key "$panel,$series,$parameter,$seed" \
    '[$key, .delay_mean_ms, .delay_p95_ms, .concealed_pct, .overhead_pct] | map(tostring) |
    join(",")' "$out/runs/plot-$panel-$series-$parameter-$seed"
done < "$out/points" >> "$csv"

# Means over the seeds, in the order of the parameter: x y.
means=$out/means
mkdir -p "$means"
rm -f "$means"/*
awk -F, -v folder="$means" 'NR > 1 {
  key = $1 "," $2 "," $3
  if (!(key in count)) order[++keys] = key
  count[key]++
  delay[key] += $5
  concealed[key] += $7
}
END {
  for (i = 1; i <= keys; i++) {
    split(order[i], part, ",")
    n = count[order[i]]
    percent = concealed[order[i]] / n
    # A logarithm has no zero.
    print delay[order[i]] / n, percent < 0.001 ? 0.001 : percent > (folder "/" part[1] "-" part[2])
  }
}' "$csv"

# What is below the scale is drawn at its lower end.
draw() { # FILE WIDTH HEIGHT ROWS COLUMNS X_MAX Y_MIN Y_MAX KEY_PANEL KEY_PLACE PANEL:TITLE...
  local file=$1 width=$2 height=$3 rows=$4 columns=$5 x_max=$6 y_min=$7 y_max=$8 key_panel=$9
  local key_place=${10}
  shift 10
  {
    cat <<END
set terminal pngcairo size $width,$height font 'DejaVu Sans,11' enhanced
set output '$file'
set multiplot layout $rows,$columns margins 0.075,0.975,0.11,0.92 spacing 0.06,0.13
set logscale y
set xrange [0:$x_max]
set yrange [$y_min:$y_max]
set format y '%g'
set grid xtics ytics lt 1 lc rgb '#e4e4e4' lw 1
set border 3 lc rgb '#666666'
set tics nomirror textcolor rgb '#333333'
set xlabel 'mean delay, ms' offset 0,0.5
set ylabel 'concealed, %' offset 1.5,0
shown(y) = y < $y_min ? $y_min : y
END
    local item panel
    for item in "$@"; do
      panel=${item%%:*}
      echo "set title '${item#*:}' font 'DejaVu Sans Bold,12' offset 0,-0.4"
      if [ "$panel" = "$key_panel" ]; then
        echo "set key $key_place samplen 2 spacing 1.15"
      else
        echo 'unset key'
      fi
      cat <<END
plot '$means/$panel-fixed' using 1:(shown(\$2)) with linespoints lc rgb '#9a9a9a' lw 1.5 pt 7 ps 0.6 title 'fixed delay', \
  '$means/$panel-paw' using 1:(shown(\$2)) with linespoints lc rgb '#0b6fb8' lw 2.5 pt 7 ps 1 title 'pawebrtc', \
  '$means/$panel-default' using 1:(shown(\$2)) with points lc rgb '#0b6fb8' pt 6 ps 2.2 lw 2 title 'pawebrtc by default', \
  '$means/$panel-neteq' using 1:(shown(\$2)) with points lc rgb '#d1495b' pt 9 ps 2 title 'NetEQ (model)', \
  '$means/$panel-neteq-nack' using 1:(shown(\$2)) with points lc rgb '#d1495b' pt 8 ps 2 lw 1.5 title 'the same with NACK'
END
    done
    echo 'unset multiplot'
  } | gnuplot
}

draw "$target/traces.png" 900 720 2 2 100 0.005 5 quiet 'top right' \
  'quiet:Quiet Wi-Fi' 'bunched:Bunched (power save)' \
  'busy:Busy: stalls of 15-55 ms' 'spikes:Spikes of 100-230 ms'
draw "$target/loss.png" 900 400 1 3 280 0.01 50 burst100 'bottom right' \
  'burst15:20 % loss, bursts 15 ms' 'burst40:bursts 40 ms' 'burst100:bursts 100 ms'
echo "$target/traces.png $target/loss.png $csv"
