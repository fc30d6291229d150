#!/usr/bin/env bash
# readme.sh REPOSITORY: README's code is compiled code, and its links and those of the map lead somewhere. Every block of C++
# follows a line <!-- from FILE -->, and its lines stand in that file, one after the other, indentation aside. An entry of
# "How do I ..." is all that stands in a test between a line "// README: HEADING" and "// end", and every such part of a test
# is an entry.
set -euo pipefail
cd "$1"
faults=$(
  awk '
    /^#+ / { heading = $0; sub(/^#+ /, "", heading) }
    /^<!-- from .* -->$/ { source = $3; next }
    /^```cpp$/ { block = ""; inside = 1; next }
    /^```/ && inside {
      inside = 0
      if (source == "") { print "README.md:" NR ": a block of C++ without a line <!-- from FILE -->"; next }
      text = "\n"
      while ((getline line < source) > 0) { sub(/^ +/, "", line); text = text line "\n" }
      close(source)
      begin = "\n// README: " heading "\n"
      if (at = index(text, begin)) {
        text = substr(text, at + length(begin))
        text = substr(text, 1, index(text, "\n// end\n"))
        if (text != block) print "README.md:" NR ": not what stands under its heading in " source ":\n" block
      } else if (index(text, "\n" block) == 0) {
        print "README.md:" NR ": not in " source ":\n" block
      }
      source = ""
      next
    }
    inside { sub(/^ +/, ""); block = block $0 "\n" }' README.md
  grep -hoE '^ *// README: [^.].*' tests/how_do_i/*.cpp tests/house/*.cpp | sed 's/^ *\/\/ README: //' | while read -r heading; do
    grep -qxF "### $heading" README.md || echo "README.md: has no entry \"$heading\", which a test has"
  done
  for page in README.md include/bitgauge/README.md; do
    # the names by which headings are known: lower case, blanks as hyphens, and nothing but letters, digits and these
    names=$(grep -E '^#+ ' "$page" | sed -E 's/^#+ //; s/ \{#.*//; s/.*/\L&/; s/[^a-z0-9 _-]//g; s/ /-/g')
    sed '/^```/,/^```/d' "$page" | grep -oE '\]\([^)]+' | sed 's/](//' | grep -v '^https*:' | while read -r link; do
      if [[ $link == '#'* ]]; then
        grep -qxF -- "${link#?}" <<<"$names" || echo "$page: the link $link leads nowhere"
      else
        [[ -e $(dirname "$page")/${link%%#*} ]] || echo "$page: the link $link leads nowhere"
      fi
    done
  done
)
[[ -z $faults ]] || { echo "$faults"; exit 1; }
