#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: analyse_selfcheck.sh gcc|cppcheck|clang-tidy
# Proves that this tool's part of tests/analyse.sh can fail: it passes a good file, in the library
# and among the programs, refuses one with a fault in either, one that does not compile, and says so
# when the tool is not there.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tool=$1
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
failures=0

# clang-tidy looks for its configuration beside the file and above it.
make_tree() {
  rm -rf "$temp"/*
  mkdir -p "$temp"/{lib/room,examples/common,include}
  cp "$here/../../.clang-tidy" "$temp"
  printf 'int good(int x);\nint good(int x) {\n  return x;\n}\n' > "$temp/lib/room/good.c"
  cp "$temp/lib/room/good.c" "$temp/examples/common/good.c"
}

plant() { # FILE
  cat > "$temp/$1" <<'END'
#include <stdlib.h>
int bad(int x);
int bad(int x) {
  char *text = malloc(2);
  if (text == NULL) {
    return x;
  }
  free(text);
  free(text);
  return 0;
}
END
}

analyse() {
  "$here/../analyse.sh" --root "$temp" "$tool" 2>&1
}

refused() { # WHAT PATTERN
  local said
  if said=$(analyse); then
    echo "$tool did not refuse $1: $said"
    failures=$((failures + 1))
  elif ! grep -qE -- "$2" <<< "$said"; then
    echo "$tool refused $1, but did not say '$2': $said"
    failures=$((failures + 1))
  fi
  make_tree
}

make_tree
if ! said=$(analyse); then
  echo "$tool refuses what is good: $said"
  failures=$((failures + 1))
fi
plant lib/room/bad.c
refused 'a double free in the library' 'lib/room/bad.c:9:'
plant examples/common/bad.c
refused 'a double free among the programs' 'examples/common/bad.c:9:'
echo 'int broken(int x) { return x +; ' > "$temp/lib/room/broken.c"
refused 'what does not compile' 'lib/room/broken.c'
rm "$temp/lib/room/good.c"
refused 'a tree without a library' 'no files in'

mkdir "$temp/bin"
for needed in bash dirname find sort nproc pkg-config; do
  ln -s "$(command -v "$needed")" "$temp/bin/$needed"
done
if said=$(PATH=$temp/bin analyse) || ! grep -q "$tool is missing" <<< "$said"; then
  echo "without $tool: $said"
  failures=$((failures + 1))
fi
echo "selfcheck of $tool: $failures failures"
[ "$failures" -eq 0 ]
