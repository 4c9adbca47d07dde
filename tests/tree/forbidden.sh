#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: forbidden.sh ROOT
# What the house refuses, as far as a search finds it: clocks, sockets, sleep, random numbers and
# printing in lib/; unfinished work, overlay structs, pointer typedefs and assignments in conditions
# anywhere in C.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
errors=0

code_of() { # FOLDER...
  { find "$@" -name '*.[ch]' 2>/dev/null || true; } | LC_ALL=C sort | xargs -r awk -f "$here/code_only.awk"
}

refuse() { # WHAT PATTERN CODE
  local line
  while read -r line; do
    echo "$line   <- $1"
    errors=$((errors + 1))
  done < <(grep -E "^[^:]*:[0-9]+.*($2)" <<< "$3" || true)
}

call() { # NAME|NAME...
  echo "(^|[^A-Za-z0-9_.>])($1)[ \t]*\("
}

lib=$(code_of lib)
refuse "clock in lib/" "$(call 'time|clock|clock_gettime|gettimeofday|ftime|localtime(_r)?|gmtime(_r)?|mktime|mbedtls_(ms_)?time')" "$lib"
refuse "socket in lib/" "$(call 'socket|bind|listen|accept|connect|send|sendto|sendm?msg|recv|recvfrom|recvm?msg|select|p?poll|epoll_[a-z]*|getaddrinfo|inet_[a-z]*|if_nametoindex')" "$lib"
refuse "sleep or thread in lib/" "$(call 'u?sleep|nanosleep|clock_nanosleep|pthread_[a-z_]*|thrd_[a-z]*')" "$lib"
refuse "random numbers in lib/" "$(call 's?rand|rand_r|s?random|[a-z]rand48|getrandom|getentropy|arc4random[a-z_]*|mbedtls_entropy_[a-z_]*')" "$lib"
refuse "printing in lib/ (only vsnprintf, only in base/log.c)" \
  "$(call '[a-z]*printf|puts|fputs|putchar|fputc|perror|fwrite|mbedtls_[a-z]*printf')" \
  "$(grep -vE '^lib/base/log\.c:[0-9]*:.*[^a-z]vsnprintf\(' <<< "$lib" || true)"
refuse "file, environment or exit in lib/" "$(call 'fopen|open|fdopen|getenv|exit|_exit|abort|system')" "$lib"
refuse "header of the operating system in lib/" \
  '#[ \t]*include[ \t]*<(sys/.*|arpa/.*|net/.*|netinet/.*|netdb|unistd|time|pthread|poll|signal|fcntl)(\.h)?>' "$lib"
refuse "stdio in lib/ (only base/log.c)" '#[ \t]*include[ \t]*<stdio\.h>' \
  "$(grep -v '^lib/base/log\.c:' <<< "$lib" || true)"

all=$(code_of include lib examples tests fuzz)
refuse "overlay struct" '__attribute__.*packed|#[ \t]*pragma[ \t]+pack' "$all"
refuse "pointer typedef" 'typedef [^(]*\*[ \t]*[A-Za-z0-9_]+[ \t]*;' "$all"
refuse "code switched off" '#[ \t]*if[ \t]+(0|false)([^0-9a-zA-Z]|$)' "$all"
refuse "assignment in a condition" '(^|[^A-Za-z0-9_])(if|while|switch)[ \t]*\(.*[^=!<>]=[^=].*\{[ \t]*$' "$all"

# In comments above all. This folder names what it looks for.
while read -r line; do
  echo "$line   <- unfinished work"
  errors=$((errors + 1))
done < <({ find include lib examples tests fuzz .ci -type f 2>/dev/null || true; } |
  grep -vE '^tests/tree/|/node_modules/' |
  xargs -r grep -nIE '(^|[^A-Za-z])(TODO|FIXME|XXX)([^A-Za-z]|$)' || true)

echo "$(wc -l <<< "$lib") lines of code in lib/, $(wc -l <<< "$all") in all, $errors errors"
[ -n "$lib" ] && [ "$errors" -eq 0 ]
