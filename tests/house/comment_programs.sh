#!/usr/bin/env bash
# comment_programs.sh INCLUDE_FOLDER COMPILE...: the whole programs in the comments of headers compile. A program is an indented
# block of a comment that has a main; all become one unit, each in a namespace of its own behind everyone's includes.
set -euo pipefail
include=$1
shift
unit=$(find "$include/bitgauge" -name '*.hpp' -print0 | sort -z | xargs -0 awk '
  function flush() {
    if (code ~ /\nint main\(/) { ++programs; text = text "namespace program_" programs " {\n" code "}\n"; includes = includes own }
    code = own = ""
  }
  /^ *\/\/\/     #include / { sub(/^ *\/\/\/ +/, ""); own = own $0 "\n"; next }
  /^ *\/\/\/     / { sub(/^ *\/\/\/     /, ""); code = code "\n#line " FNR " \"" FILENAME "\"\n" $0 "\n"; next }
  /^ *\/\/\/ *$/ { next }
  { flush() }
  END { print includes text; print "constexpr int programs = " programs ";" }')
[[ $unit == *'programs = 5;'* ]] || { echo "expected the 5 programs that the comments of quantize() have, found ${unit##* }"; exit 1; }
"$@" -fsyntax-only -x c++ - <<<"$unit"
