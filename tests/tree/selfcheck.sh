#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: selfcheck.sh layers|headers|symbols|forbidden|sizes|limits|format [CC]
# Proves that a check of this folder can fail: runs it on a small good tree, and then on that tree
# with one fault after the other.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cc=${2:-cc}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
tree=$temp/tree
failures=0

make_tree() {
  rm -rf "$tree"
  mkdir -p "$tree"/{lib/{base,stun,rtp,ice,dtls,rtc},include/pawebrtc,tests/{tree,stun,program}}
  echo '/* A clock() in a comment. */' > "$tree/lib/base/base.h"
  printf '#include "base/base.h"\nint stun;\n' > "$tree/lib/stun/stun.h"
  echo 'int rtp;' > "$tree/lib/rtp/rtp.h"
  printf '#include "ice/private.h"\n#include "stun/stun.h"\n' > "$tree/lib/ice/ice.c"
  echo 'const char *text = "printf(";' > "$tree/lib/ice/private.h"
  echo '#include "ice/ice.h"' > "$tree/lib/rtc/rtc.c"
  touch "$tree/lib/ice/ice.h"
  printf 'int vsnprintf();\nvoid f(void) { vsnprintf(); }\n' > "$tree/lib/base/log.c"
  cat > "$tree/include/pawebrtc/x.h" <<'END'
#ifndef X_H
#define X_H
#define PAW_API __attribute__((visibility("default")))
struct paw_x;
PAW_API int paw_x(void);
#endif
END
  echo '#include <pawebrtc/x.h>
int paw_x(void) { return 1; }' > "$tree/lib/base/x.c"
  echo paw_x > "$tree/tests/tree/exported_symbols.txt"
  make_limits
}

make_limits() {
  printf '#define PAW_STUN_MAX 3\n' > "$tree/lib/base/limits.h"
  printf '#include "base/limits.h"\nint stun[PAW_STUN_MAX];\n' > "$tree/lib/stun/stun.c"
  printf "foreach what : ['read', 'many']\n" > "$tree/tests/stun/meson.build"
  cat > "$tree/tests/stun/test_read.c" <<'END'
static void many(void **state) { (void)state; }

int main(void) {
  unit_test(many);
  return 0;
}
END
  printf "['crowd']\n" > "$tree/tests/program/meson.build"
  echo '# As many as there is room for.' > "$tree/tests/program/crowd.sh"
  echo '| PAW_STUN_MAX | `stun_read`: many; `crowd`: room | none: cannot be |' \
    > "$tree/tests/tree/limits.md"
}

run() { # CHECK
  case $1 in
  symbols)
    $cc -shared -fPIC -fvisibility=hidden -I"$tree/include" -o "$temp/libx.so" \
      "$tree/lib/base/x.c" ${link_with:-} || return 2
    $cc -c -fPIC -I"$tree/include" -o "$temp/x.o" "$tree/lib/base/x.c" || return 2
    rm -f "$temp/libx.a"
    ar rc "$temp/libx.a" "$temp/x.o"
    "$here/symbols.sh" "$tree" "$temp/libx.so"
    ;;
  *) "$here/$1.sh" "$tree" ;;
  esac
}

good() { # CHECK
  make_tree
  local said
  if ! said=$(run "$1" 2>&1); then
    echo "$1 refuses the good tree: $said"
    failures=$((failures + 1))
  fi
}

# The fault is already in the tree; the check must fail, and say what PATTERN says.
refused() { # CHECK PATTERN
  local said
  if said=$(run "$1" 2>&1); then
    echo "$1 did not find the fault: $2"
    failures=$((failures + 1))
  elif ! grep -qE -- "$2" <<< "$said"; then
    echo "$1 failed, but did not say '$2': $said"
    failures=$((failures + 1))
  fi
  make_tree
}

# A line of code in a file of the tree.
code_refused() { # CHECK FILE LINE PATTERN
  echo "$3" >> "$tree/$2"
  refused "$1" "$4"
}

check_layers() {
  good layers
  code_refused layers lib/stun/stun.h '#include "rtc/rtc.c"' 'stun.h: "rtc/rtc.c" .* upwards'
  code_refused layers lib/stun/stun.h '#  include "rtp/rtp.h"' 'stun.h: "rtp/rtp.h" .* sideways'
  code_refused layers lib/ice/ice.c '#include "private.h"' 'is not a file of lib'
  code_refused layers include/pawebrtc/x.h '#include "base/base.h"' 'a public header includes by'
  mkdir "$tree/lib/attic"
  code_refused layers lib/attic/old.c 'int x;' 'old.c: unknown room'
  mkdir "$tree/lib/attic" && touch "$tree/lib/attic/old.h"
  code_refused layers lib/rtc/rtc.c '#include "attic/old.h"' 'no known room'
  code_refused layers lib/x.c 'int x;' 'x.c: unknown room'
  rm -r "$tree/lib" && mkdir "$tree/lib"
  refused layers '^0 files'
}

check_headers() {
  good headers
  code_refused headers include/pawebrtc/x.h 'size_t f(void);' 'x.h: does not compile alone'
  code_refused headers include/pawebrtc/x.h 'int class;' 'x.h: does not compile alone with .*17'
  code_refused headers include/pawebrtc/x.h 'struct s { struct { int a; }; };' 'not compile alone'
  code_refused headers include/pawebrtc/x.h 'struct s { int a; };' 'x.h: does not compile alone'
  rm "$tree/include/pawebrtc/x.h"
  refused headers 'does not compile|^0 headers'
}

check_symbols() {
  good symbols
  sed -i 's/^PAW_API/PAW_API int paw_y(void);\nPAW_API/' "$tree/include/pawebrtc/x.h"
  refused symbols '^\+paw_y'
  code_refused symbols lib/base/x.c 'PAW_API int paw_z(void) { return 2; }' '^\+paw_z'
  code_refused symbols tests/tree/exported_symbols.txt 'paw_zz' '^-paw_zz'
  code_refused symbols lib/base/x.c '__attribute__((visibility("hidden"))) int y(void);
int y(void) { return 3; }' '^y: linked in the static library'
  sed -i 's/paw_x(/other(/' "$tree/include/pawebrtc/x.h" "$tree/lib/base/x.c"
  echo other > "$tree/tests/tree/exported_symbols.txt"
  refused symbols '^other: an exported symbol that does not begin'
  link_with='-Wl,--no-as-needed -lcmocka' refused symbols '^libcmocka.so.0: .*must not need'
}

check_forbidden() {
  good forbidden
  local line
  for line in 'x = time(NULL);' 'clock_gettime(0, &t);' 'int s = socket(1, 2, 3);' \
    'usleep(1);' 'return rand() % 3;' 'snprintf(a, 1, "x");' 'fprintf(stderr, "x");' \
    '#include <sys/time.h>' '#include <stdio.h>' 'getenv("X");' 'abort();' \
    '#if 0' 'struct __attribute__((packed)) x { int a; };' 'typedef struct x *x_ptr;' \
    'if ((a = f()) != 0) {' '/* TODO: later */' '// FIXME'; do
    code_refused forbidden lib/ice/ice.c "$line" 'lib/ice/ice.c:[0-9]+:.*<- '
  done
  code_refused forbidden lib/base/log.c 'fprintf(stderr, "x");' 'base/log.c:.*<- printing'
  mkdir "$tree/examples"
  code_refused forbidden examples/x.c '#if 0' 'examples/x.c:1:.*<- code switched off'
  for line in 'if (a == b && c <= d) {' "if (c == '=') {" 'x->connect(1);' 'int daytime(void);' \
    '__attribute__((format(printf, 1, 2)))' 'typedef int (*call)(void);' '#if 01' \
    'for (int i = 0; i < 3; i++) {'; do
    echo "$line" >> "$tree/lib/ice/ice.c"
    run forbidden > "$temp/said" 2>&1 || {
      echo "forbidden refuses what is good: $(cat "$temp/said")"
      failures=$((failures + 1))
    }
    make_tree
  done
}

check_sizes() {
  good sizes
  yes 'int x;' | head -801 > "$tree/lib/ice/ice.c"
  refused sizes 'ice.c: more than 800 lines'
  yes '# x' | head -801 > "$tree/tests/long.sh"
  refused sizes 'long.sh: more than 800 lines'
  { echo 'int f(void) {'; seq -f '  x += %g;' 79; echo '}'; } > "$tree/lib/ice/ice.c"
  refused sizes 'ice.c:1: 81 lines: int f'
}

check_limits() {
  good limits
  code_refused limits lib/base/limits.h '#define PAW_MORE 4' 'PAW_MORE: has no row'
  code_refused limits lib/base/limits.h '#define PAW_MORE 4' 'PAW_MORE: is used nowhere'
  code_refused limits include/pawebrtc/x.h '#define PAW_X_MAX 4' 'PAW_X_MAX: has no row'
  mkdir "$tree/examples"
  code_refused limits examples/x.c '#define X_MAX_BYTES (4 * 5)' 'X_MAX_BYTES: has no row'
  local row
  for row in 'PAW_GONE | none: x | none: x~PAW_GONE: a row, but' \
    'PAW_STUN_MAX | none: x | none: x~more than one row' \
    'PAW_STUN_MAX | `stun_read` | none: x~which case of stun_read' \
    'PAW_STUN_MAX | `stun_read`: few | none: x~test_read.c has no case few' \
    'PAW_STUN_MAX | `stun_read`: many, few | none: x~test_read.c has no case few' \
    'PAW_STUN_MAX | `stun_read`: many | `stun_many`: many~no such test: stun_many' \
    'PAW_STUN_MAX | `crowd`: nobody | none: x~crowd.sh says nothing of nobody' \
    'PAW_STUN_MAX | `stun_read`: many | ~neither tests nor' \
    'PAW_STUN_MAX | stun_read: many | none: x~neither tests nor'; do
    code_refused limits tests/tree/limits.md "| ${row%~*} |" "${row#*~}"
  done
  sed -i '/unit_test/d' "$tree/tests/stun/test_read.c"
  refused limits 'test_read.c has no case many'
  echo "['write']" > "$tree/tests/stun/meson.build"
  refused limits 'no such test: stun_read'
  rm "$tree/lib/base/limits.h"
  refused limits 'PAW_STUN_MAX: a row, but'
}

check_format() {
  good format
  code_refused format lib/rtc/rtc.c "int  f( void );" "rtc.c:2:.*format"
}

"check_$1"
echo "selfcheck of $1: $failures failures"
[ "$failures" -eq 0 ]
