# SPDX-License-Identifier: MIT
# C source as FILE:LINE:CODE, without comments and without what stands in strings and characters.
FNR == 1 { in_comment = 0 }
{
  code = ""
  rest = $0
  while (rest != "") {
    if (in_comment) {
      end = index(rest, "*/")
      if (end == 0) break
      rest = substr(rest, end + 2)
      in_comment = 0
    } else if (match(rest, /^\/\*/)) {
      in_comment = 1
      rest = substr(rest, 3)
    } else if (match(rest, /^\/\//)) {
      break
    } else if (code !~ /^[ \t]*#[ \t]*include/ && match(rest, /^"([^"\\]|\\.)*"/)) {
      code = code "\"\""
      rest = substr(rest, RLENGTH + 1)
    } else if (match(rest, /^'([^'\\]|\\.)+'/)) {
      code = code "' '"
      rest = substr(rest, RLENGTH + 1)
    } else {
      code = code substr(rest, 1, 1)
      rest = substr(rest, 2)
    }
  }
  if (code ~ /[^ \t]/) print FILENAME ":" FNR ":" code
}
