#!/usr/bin/env bash
# readme.sh REPOSITORY: README's code is compiled code, and its links lead somewhere. Every block of C++ follows a line
# <!-- from FILE -->, and its lines stand in that file, one after the other, indentation aside.
set -euo pipefail
cd "$1"
faults=$(
  awk '
    /^<!-- from .* -->$/ { source = $3; next }
    /^```cpp$/ { block = ""; inside = 1; next }
    /^```/ && inside {
      inside = 0
      if (source == "") { print "README.md:" NR ": a block of C++ without a line <!-- from FILE -->"; next }
      text = "\n"
      while ((getline line < source) > 0) { sub(/^ +/, "", line); text = text line "\n" }
      close(source)
      if (index(text, "\n" block) == 0) print "README.md:" NR ": not in " source ":\n" block
      source = ""
      next
    }
    inside { sub(/^ +/, ""); block = block $0 "\n" }' README.md
  grep -oE '\]\([^)#]+' README.md | sed 's/](//' | grep -v '^https*:' | while read -r link; do
    [[ -e $link ]] || echo "README.md: the link $link leads nowhere"
  done
)
[[ -z $faults ]] || { echo "$faults"; exit 1; }
