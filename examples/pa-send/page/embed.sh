#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: embed.sh FILE... > page_files.c
# The files as bytes in C: the table that page.c declares.
set -eu
echo '#include "page_files.h"'
number=0
for file; do
  echo "static const unsigned char bytes$number[] = {"
  od -An -v -tu1 "$file" | sed 's/  *\([0-9][0-9]*\)/\1,/g'
  echo '};'
  number=$((number + 1))
done
echo 'const struct page_file page_files[] = {'
number=0
for file; do
  case $file in
  *.html) type='text/html; charset=utf-8' ;;
  *.css) type='text/css; charset=utf-8' ;;
  *.js) type='text/javascript; charset=utf-8' ;;
  *.svg) type='image/svg+xml' ;;
  *) echo "embed.sh: of what type is $file?" >&2; exit 1 ;;
  esac
  echo "    {\"/${file##*/}\", \"$type\", bytes$number, sizeof bytes$number},"
  number=$((number + 1))
done
echo '};'
echo "const size_t page_file_count = $number;"
