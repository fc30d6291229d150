#!/usr/bin/env bash
# same_chart.sh PROGRAM CHART.svg: the chart that is kept is the one that PROGRAM draws: the same texts, and every number within
# a pixel. What a search or GPTQ finds may differ in its last bits from one processor to the next.
set -euo pipefail
drawn=$(mktemp)
trap 'rm -f "$drawn"' EXIT
"$1" "$drawn" >/dev/null
[[ -s $drawn ]] || { echo "$1: has drawn nothing"; exit 1; }
awk '
  function numbers_of(line, into) { gsub(/[^-0-9.]+/, " ", line); return split(line, into, " ") }
  function texts_of(line) { gsub(/-?[0-9]+(\.[0-9]+)?/, "#", line); return line }
  FNR == NR { drawn[FNR] = $0; lines = FNR; next }
  {
    same = texts_of($0) == texts_of(drawn[FNR])
    count = numbers_of($0, kept)
    numbers_of(drawn[FNR], found)
    for (i = 1; same && i <= count; ++i) same = kept[i] - found[i] <= 1 && found[i] - kept[i] <= 1
    if (!same) { print FILENAME ":" FNR ": is\n" $0 "\nand would be drawn as\n" drawn[FNR]; bad = 1 }
  }
  END { exit bad || FNR != lines }' "$drawn" "$2"
