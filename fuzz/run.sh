#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -uo pipefail

usage() {
  cat <<'END'
usage: fuzz/run.sh [SECONDS] [TARGET...]      run all targets, or these, for 60 s each, or SECONDS
       fuzz/run.sh --minimise [TARGET...]     choose anew what stands in fuzz/corpus
       fuzz/run.sh --sum                      totals over all runs so far
       fuzz/run.sh --coverage TARGET          what its inputs reach, by file of lib/
       fuzz/run.sh --list                     the names of the targets

Builds the targets with clang, libFuzzer and the address and undefined-behaviour sanitizers in
build/fuzz and runs as many at a time as there are processors. In build/ are, by target:

  fuzz-corpus/    inputs with coverage of their own; grows from run to run
  fuzz-found/     inputs that crashed, leaked, hung or took too much memory
  fuzz-logs/      what the last run of the target said
  fuzz-results.tsv  one line a run, for --sum

The exit status is 0 only if every target ran and nothing was found. SIGTERM and SIGINT end a run
early; its results count.
END
}

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
export LC_ALL=C.UTF-8
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
build=build/fuzz
results=build/fuzz-results.tsv
starts_max=5 # after so many findings a target is left alone
corpus_max=50
corpus_bytes_max=16384

# Bytes of an input, MB in all, MB of one allocation. An input is a datagram unless said otherwise.
limits() { # TARGET
  case $1 in
  sdp_* | ice_fragment) echo 16384 1024 16 ;;
  dtls_client_hello) echo 3000 1024 64 ;;
  ice_agent | rtc_* | playout) echo 800 1024 64 ;;
  whep_body) echo 40000 1024 64 ;;
  *) echo 1500 1024 16 ;;
  esac
}

# In fuzz/dictionary.
dictionary() { # TARGET
  case $1 in
  sdp_* | ice_fragment | whep_body) echo sdp ;;
  esac
}

# But for `planted`, which can be named.
all_targets() {
  grep -l '^int LLVMFuzzerTestOneInput' fuzz/*.c | sed 's|^fuzz/||; s|\.c$||' | grep -vx planted
}

build_targets() { # TARGET...
  mkdir -p build
  if [ ! -e "$build/build.ninja" ]; then
    rm -rf "$build"
    CC=${CC:-clang} meson setup "$build" --werror -Dfuzzer=true \
      -Db_sanitize=address,undefined -Db_lundef=false > build/fuzz.log 2>&1 || {
      tail -30 build/fuzz.log >&2
      return 1
    }
  fi
  ninja -C "$build" "${@/#/fuzz/fuzz_}" > build/fuzz.log 2>&1 || {
    grep -vE '^\[[0-9]+/[0-9]+\] (Compiling|Linking)' build/fuzz.log | tail -60 >&2
    return 1
  }
}

# The folders that hold a target's inputs; the first one, which grows, is made. fuzz/meson.build
# replays the others.
input_folders() { # TARGET
  mkdir -p "build/fuzz-corpus/$1" "build/fuzz-found/$1" build/fuzz-logs
  local folder folders=("build/fuzz-corpus/$1" "fuzz/corpus/$1" "fuzz/crashes/$1")
  [[ $1 != sdp_* ]] || folders+=(tests/vectors/sdp)
  for folder in "${folders[@]}"; do
    [ ! -d "$folder" ] || echo "$folder"
  done
}

# ---- one target ----

# The last number after WORD in a log, or 0.
last_number() { # LOG WORD
  grep -oE "$2 *[0-9]+" "$1" | tail -1 | grep -oE '[0-9]+$' || echo 0
}

sum_numbers() { # LOG WORD
  grep -oE "$2 *[0-9]+" "$1" | awk '{ sum += $NF } END { print sum + 0 }'
}

found_count() { # LOG KIND
  grep -cE "Test unit written to .*/$2-" "$1"
}

# Runs in a process of its own, so that its children's time is the target's.
run_target() { # TARGET SECONDS
  local target=$1 seconds=$2 log=build/fuzz-logs/$1.log fuzzer='' ended=no starts=0 left
  local folders limit options words
  mapfile -t folders < <(input_folders "$target")
  read -r -a limit < <(limits "$target")
  # Without entropic, whose bookkeeping takes half of the time of the slow targets.
  options=(-max_len="${limit[0]}" -rss_limit_mb="${limit[1]}" -malloc_limit_mb="${limit[2]}"
    -timeout=10 -entropic=0 -print_final_stats=1 -artifact_prefix="build/fuzz-found/$target/")
  words=$(dictionary "$target")
  [ -z "$words" ] || options+=(-dict="fuzz/dictionary/$words")
  trap 'ended=yes; [ -z "$fuzzer" ] || kill -TERM "$fuzzer" 2> /dev/null' TERM INT
  : > "$log"
  local end=$((SECONDS + seconds))
  while [ $ended = no ] && [ $starts -lt $starts_max ] && [ $((end - SECONDS)) -gt 0 ]; do
    left=$((end - SECONDS))
    starts=$((starts + 1))
    "$build/fuzz/fuzz_$target" "${options[@]}" -max_total_time=$left "${folders[@]}" \
      >> "$log" 2>&1 &
    fuzzer=$!
    [ $ended = no ] || kill -TERM "$fuzzer" 2> /dev/null
    while kill -0 "$fuzzer" 2> /dev/null; do
      wait "$fuzzer"
    done
    fuzzer=''
  done
  # The second line is of the children. In a pipe, or $(), there would be others'.
  times > "$log.times"
  write_result "$target" "$log" "$(awk -F '[ms ]' 'NR == 2 { print $1 * 60 + $2 }' "$log.times")"
  rm "$log.times"
}

write_result() { # TARGET LOG CPU_SECONDS
  local crashes leaks
  crashes=$(($(found_count "$2" crash) + $(found_count "$2" oom)))
  leaks=$(found_count "$2" leak)
  printf '%s\t' "$(date +%Y-%m-%dT%H:%M:%S)" "$1" \
    "$(sum_numbers "$2" 'stat::number_of_executed_units:')" "$3" "$(last_number "$2" 'cov:')" \
    "$(last_number "$2" '1 modules +\(')" "$(last_number "$2" 'corp:')" "$crashes" \
    "$(found_count "$2" timeout)" >> "$results"
  echo "$leaks" >> "$results"
}

# ---- all of them ----

print_table() { # reads lines as they stand in the results
  awk -F '\t' '
    BEGIN {
      form = "%-18s %12s %9s %8s %7s %7s %8s %9s %6s\n"
      printf form, "target", "executions", "CPU min", "edges", "built", "corpus", "crashes",
        "timeouts", "leaks"
    }
    !($2 in executions) { order[++count] = $2 }
    {
      executions[$2] += $3; cpu[$2] += $4
      if ($5 > 0) { edges[$2] = $5; built[$2] = $6; corpus[$2] = $7 }
      crashes[$2] += $8; timeouts[$2] += $9; leaks[$2] += $10
    }
    END {
      for (i = 1; i <= count; i++) {
        target = order[i]
        printf form, target, executions[target], sprintf("%.1f", cpu[target] / 60),
          edges[target] + 0, built[target] + 0, corpus[target] + 0, crashes[target],
          timeouts[target], leaks[target]
        found += crashes[target] + timeouts[target] + leaks[target]
        dead += executions[target] == 0
      }
      exit found + dead > 0
    }'
}

run_all() { # SECONDS TARGET...
  local seconds=$1 target status workers=() ended=no running lines
  shift
  build_targets "$@" || exit 1
  local before=0
  [ ! -e "$results" ] || before=$(wc -l < "$results")
  trap 'ended=yes; kill -TERM "${workers[@]}" 2> /dev/null' TERM INT
  for target in "$@"; do
    [ $ended = no ] || break
    run_target "$target" "$seconds" &
    workers+=($!)
    while running=$(jobs -pr | wc -l) && [ "$running" -ge "$(nproc)" ]; do
      wait -n
    done
  done
  while [ -n "$(jobs -pr)" ]; do
    wait
  done
  # Other runs may have written lines meanwhile: of ours, the last of each target.
  lines=$(tail -n "+$((before + 1))" "$results" 2> /dev/null |
    awk -F '\t' -v names=" $* " 'index(names, " " $2 " ") { last[$2] = $0 }
      END { for (name in last) print last[name] }' | sort -k 2)
  print_table <<< "$lines"
  status=$?
  for target in "$@"; do
    grep -q "^[^[:space:]]*[[:space:]]${target}[[:space:]]" <<< "$lines" || {
      echo "$target did not run"
      status=1
    }
    [ -z "$(ls "build/fuzz-found/$target" 2> /dev/null)" ] ||
      echo "build/fuzz-found/$target holds findings, of this run or of ones before"
  done
  return $status
}

# ---- the corpus that is kept ----

# Out of libFuzzer's control file of a merge with -set_cover_merge=1 (all features of each input):
# at most `max` inputs that together reach the most edges, beside those that are kept elsewhere and
# those in the folder that have names of their own.
choose_inputs() { # CONTROL_FILE EDGES_BUILT FOLDER_KEPT
  awk -v max=$corpus_max -v built="$2" -v bytes_max=$corpus_bytes_max -v folder="$3" '
    function gain(i,   fresh, n, k, list) {
      n = split(edges[i], list)
      for (k = 1; k <= n; k++) fresh += !(list[k] in reached)
      return fresh + 0
    }
    function reach(i,   n, k, list) {
      n = split(edges[i], list)
      for (k = 1; k <= n; k++) if (!(list[k] in reached)) { reached[list[k]]; reached_count++ }
      chosen[i]
    }
    function choose(i) {
      reach(i)
      count++
      print name[i]
    }
    NR == 1 { total = $1 }
    NR > 2 && NR <= total + 2 { name[files++] = $0; next }
    $1 == "STARTED" { size[$2] = $3 }
    $1 == "FT" {
      for (f = 3; f <= NF; f++) {
        edge = int($f / 8)
        if (edge < built) {
          edges[$2] = edges[$2] " " edge
          if (!(edge in all)) { all[edge]; all_count++ }
        }
      }
      bound[$2] = built + 1
    }
    END {
      for (i in bound) {
        base = substr(name[i], length(folder) + 2)
        in_folder = index(name[i], folder "/") == 1
        if (index(name[i], "build/") != 1 && !in_folder) reach(i)
        else if (in_folder && (length(base) != 12 || base ~ /[^0-9a-f]/)) choose(i)
      }
      while (count < max) {
        best = 0; best_i = ""
        for (i in bound) {
          if (i in chosen || size[i] > bytes_max) continue
          if (bound[i] < best || (bound[i] == best && size[i] >= size[best_i])) continue
          bound[i] = gain(i)
          if (bound[i] > best || (bound[i] == best && best > 0 && size[i] < size[best_i])) {
            best = bound[i]; best_i = i
          }
        }
        if (best == 0) break
        choose(best_i)
      }
      printf "%d of %d inputs, %d of %d edges (%.1f %%)\n", count, files, reached_count,
        all_count, all_count ? 100 * reached_count / all_count : 0 > "/dev/stderr"
    }' "$1"
}

minimise() { # TARGET
  local target=$1 kept=fuzz/corpus/$1 scratch folders built input name
  scratch=$(mktemp -d)
  mkdir -p "$kept" "$scratch/merged" "$scratch/chosen"
  mapfile -t folders < <(input_folders "$target")
  "$build/fuzz/fuzz_$target" -merge=1 -set_cover_merge=1 -timeout=10 -rss_limit_mb=1024 \
    -merge_control_file="$scratch/control" "$scratch/merged" "${folders[@]}" \
    > "$scratch/log" 2>&1 || {
    tail -20 "$scratch/log" >&2
    rm -rf "$scratch"
    return 1
  }
  built=$(last_number "$scratch/log" '1 modules +\(')
  echo -n "$target: " >&2
  while read -r input; do
    name=$(basename "$input")
    [[ $input == "$kept"/* && ! $name =~ ^[0-9a-f]{12}$ ]] ||
      name=$(sha1sum "$input" | cut -c 1-12)
    cp "$input" "$scratch/chosen/$name"
  done < <(choose_inputs "$scratch/control" "$built" "$kept")
  rm -rf "$kept"
  cp -r "$scratch/chosen" "$kept"
  rm -rf "$scratch"
}

# ---- what is reached ----

coverage() { # TARGET
  local folder=build/fuzz-coverage folders profile=build/fuzz-coverage/$1
  mapfile -t folders < <(input_folders "$1")
  [ -e $folder/build.ninja ] ||
    CC=${CC:-clang} meson setup $folder -Dc_args='-fprofile-instr-generate -fcoverage-mapping' \
      -Dc_link_args=-fprofile-instr-generate > $folder.log 2>&1 || return 1
  ninja -C $folder "fuzz/fuzz_$1" > $folder.log 2>&1 || return 1
  LLVM_PROFILE_FILE=$profile.profraw "$folder/fuzz/fuzz_$1" "${folders[@]}" > $folder.log || return 1
  llvm-profdata-14 merge -o "$profile.profdata" "$profile.profraw" || return 1
  llvm-cov-14 report "$folder/fuzz/fuzz_$1" -instr-profile="$profile.profdata" \
    -ignore-filename-regex='/(fuzz|include)/' -show-branch-summary=false \
    -show-region-summary=false | awk '
      BEGIN { print " lines missed   file" }
      $1 ~ /\.[ch]$/ && $2 > $3 { sub(/.*\/lib\//, "", $1); printf "%6d %6d   %s\n", $5, $6, $1 }'
}

# ---- the command line ----

main() {
  local mode=run seconds=60 known targets target
  case ${1:-} in
  -h | --help)
    usage
    exit
    ;;
  --sum | --list | --minimise | --coverage)
    mode=${1#--}
    shift
    ;;
  -*)
    usage >&2
    exit 2
    ;;
  esac
  if [ "$mode" = run ] && [[ ${1:-} =~ ^[0-9]+$ ]]; then
    seconds=$1
    shift
  fi
  mapfile -t known < <(all_targets)
  for target in "$@"; do
    [[ " ${known[*]} planted " == *" $target "* ]] || {
      echo "no target $target; there are: ${known[*]}" >&2
      exit 2
    }
  done
  targets=("$@")
  [ $# -gt 0 ] || targets=("${known[@]}")

  case $mode in
  run) run_all "$seconds" "${targets[@]}" ;;
  list) printf '%s\n' "${targets[@]}" ;;
  sum)
    [ -s $results ] || {
      echo "no runs so far" >&2
      exit 1
    }
    awk -F '\t' '$2 != "planted"' $results | sort -s -k 2,2 | print_table
    ;;
  coverage)
    coverage "${targets[0]}"
    ;;
  minimise)
    build_targets "${targets[@]}" || exit 1
    for target in "${targets[@]}"; do
      minimise "$target" || exit 1
    done
    ;;
  esac
}

# On one line: the shell has read all of the script by then, which may be edited meanwhile.
main "$@"; exit
