#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail

usage() {
  cat <<'END'
usage: tests/bench/growth.sh [--out FOLDER]

Draws what a receiver more costs: CPU time a packet (bench_fanout, against SRTP and sendto alone) and
memory a connected peer (bench_memory), over 1 to 1000 receivers. growth.png and growth.csv go to
FOLDER, build/release/bench unless said. Needs `examples/packages.sh bench` and a build in
build/release; takes a few minutes of a machine that does nothing else.
END
}

root=$(cd "$(dirname "$0")/../.." && pwd)
out=$root/build/release/bench
case ${1-} in
'') ;;
--out) out=${2:?--out needs a folder} ;;
-h | --help)
  usage
  exit
  ;;
*)
  usage >&2
  exit 2
  ;;
esac
bench=$root/build/release/tests/bench
command -v gnuplot > /dev/null || {
  echo 'growth.sh: gnuplot is missing: examples/packages.sh bench' >&2
  exit 2
}
mkdir -p "$out"
csv=$out/growth.csv

echo 'receivers,sender_ns,floor_ns,receiver_ns,sender_heap_bytes,sender_rss_bytes,receiver_heap_bytes' > "$csv"
for receivers in 1 2 5 10 20 50 100 200 500 1000; do
  # A bar missed is told by the benchmark itself; here it is a point.
  cost=$("$bench/fanout/bench_fanout" --peers $receivers --json) || [ -n "$cost" ]
  memory=null
  # The slope of fewer is noise.
  [ $receivers -lt 10 ] || memory=$("$bench/peers/bench_memory" --peers $receivers --json) ||
    [ -n "$memory" ]
  jq -rn --argjson cost "$cost" --argjson memory "$memory" --arg n $receivers '
    [$n, $cost["n\($n)_sender_ns_min"], $cost["n\($n)_floor_ns_min"], $cost["n\($n)_receiver_ns_min"],
      $memory.sender_heap_bytes, $memory.sender_rss_bytes, $memory.receiver_heap_bytes] |
    map(. // "") | join(",")' >> "$csv"
done

gnuplot << END
set terminal pngcairo size 900,380 font 'DejaVu Sans,11' enhanced
set output '$out/growth.png'
set datafile separator ','
set multiplot layout 1,2 margins 0.07,0.98,0.15,0.9 spacing 0.09,0
set logscale x
set xrange [1:1050]
set yrange [0:*]
set grid xtics ytics lt 1 lc rgb '#e4e4e4' lw 1
set border 3 lc rgb '#666666'
set tics nomirror textcolor rgb '#333333'
set xlabel 'receivers' offset 0,0.5
set key bottom right samplen 2 spacing 1.15
set title 'CPU time of a packet to one receiver, µs' font 'DejaVu Sans Bold,12'
plot '$csv' using 1:(\$2/1000) with linespoints lc rgb '#0b6fb8' lw 2.5 pt 7 title 'sender', \
  '' using 1:(\$3/1000) with linespoints lc rgb '#9a9a9a' lw 1.5 pt 7 ps 0.6 title 'SRTP and sendto alone', \
  '' using 1:(\$4/1000) with linespoints lc rgb '#d1495b' lw 1.5 pt 9 title 'receiver'
set title 'Memory of a connected peer, kB' font 'DejaVu Sans Bold,12'
plot '$csv' using 1:(\$5/1000) with linespoints lc rgb '#0b6fb8' lw 2.5 pt 7 title 'sender, heap', \
  '' using 1:(\$6/1000) with linespoints lc rgb '#0b6fb8' lw 1.5 dt 2 pt 6 title 'sender, resident', \
  '' using 1:(\$7/1000) with linespoints lc rgb '#d1495b' lw 1.5 pt 9 title 'receiver, heap'
unset multiplot
END
echo "$out/growth.png $csv"
