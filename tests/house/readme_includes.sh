#!/usr/bin/env bash
# readme_includes.sh REPOSITORY: what an entry of README's "How do I ..." uses is declared in <bitgauge/bitgauge.hpp> and the
# headers that the entry names: who copies it can compile it, though the test that holds it includes more. A name is looked
# for where it is declared at the margin, in the headers that are reached with bitgauge::compiled. Of a/b.hpp, `.../c.hpp`
# is a/c.hpp.
set -euo pipefail
cd "$1"
includes=$(cd include && grep -roE '^#include <bitgauge/[^>]+>' bitgauge | sed -E 's/:#include </ /; s/>$//' | grep -v '_definitions\.hpp')
declared=$(cd include && find bitgauge -name '*.hpp' -not -name '*_definitions.hpp' -exec awk '
  /^[^ \/#}]/ {
    line = $0
    if (line ~ /^(inline |constexpr |template <.*> )*(struct|class|enum class|enum|union) [a-z_0-9]+;/) next
    sub(/\/\/.*/, "", line)
    gsub(/[^a-zA-Z0-9_(]+/, " ", line)
    gsub(/\(/, "( ", line)
    count = split(line, words, " ")
    for (i = 1; i <= count; ++i) {
      is_type = i > 1 && words[i - 1] ~ /^(struct|class|using|concept|enum|constexpr)$/ && words[i] != "class"
      is_called = words[i] ~ /\($/
      is_value = line ~ /^inline constexpr/
      sub(/\($/, "", words[i])
      if (is_type || is_called || is_value) print words[i], FILENAME
    }
  }' {} +)
faults=$(awk '
  function reach(header,    i, count, next_ones) {
    if (header in reached) return
    reached[header]
    count = split(included[header], next_ones, " ")
    for (i = 1; i <= count; ++i) reach(next_ones[i])
  }
  function finish(    i, n, count, homes, is_there) {
    if (heading == "") return
    split("", reached)
    reach("bitgauge/bitgauge.hpp")
    for (i = 1; i <= named; ++i) reach(headers[i])
    for (n in used) {
      is_there = 0
      count = split(where[n], homes, " ")
      for (i = 1; i <= count; ++i) if (homes[i] in reached) is_there = 1
      if (!is_there) print "README.md: " heading ": " n ": no header of the entry declares it" (count ? ", " homes[1] " does" : "")
    }
    split("", used)
    named = 0
  }
  FILENAME == ARGV[1] { included[$1] = included[$1] " " $2; next }
  FILENAME == ARGV[2] { where[$1] = where[$1] " " $2; next }
  /^## / { finish(); heading = ""; inside = $0 ~ /^## How do I/ }
  /^### / && inside { finish(); heading = substr($0, 5) }
  inside && heading != "" {
    rest = $0
    while (match(rest, /<bitgauge\/[^>]+>|`\.\.\.\/[a-z_0-9]+\.hpp`/)) {
      header = substr(rest, RSTART + 1, RLENGTH - 2)
      rest = substr(rest, RSTART + RLENGTH)
      if (header ~ /^\.\.\.\//) header = folder substr(header, 5)
      folder = header
      sub(/[^\/]*$/, "", folder)
      headers[++named] = header
    }
    rest = $0
    while (match(rest, /bg::[a-z_0-9:]+/)) {
      name = substr(rest, RSTART + 4, RLENGTH - 4)
      rest = substr(rest, RSTART + RLENGTH)
      while (name ~ /^(io|gguf|packing|simd|llama|bitsandbytes|hqq)::/) sub(/^[a-z]+::/, "", name)
      sub(/::.*/, "", name)
      if (name != "") used[name]
    }
  }
  END { finish() }' <(echo "$includes") <(echo "$declared") README.md)
[[ -z $faults ]] || { echo "$faults"; exit 1; }
