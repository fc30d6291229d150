#!/usr/bin/env bash
# format_table.sh PROGRAM README: the table of README that PROGRAM prints says what PROGRAM computes: the same rows, and
# every number within 1 %.
set -euo pipefail
"$1" | awk -F'|' '
  function off(a, b) { return a - b > 0.01 * (b > 0 ? b : -b) || b - a > 0.01 * (b > 0 ? b : -b) }
  FNR == NR { if ($0 ~ /^\| `/) computed[$2] = $0; next }
  /^<!-- printed by examples\/format_table.cpp -->$/ { inside = 1; next }
  inside && /^\| `/ {
    rows++
    if (!($2 in computed)) { print "README.md:" FNR ": no such row: " $2; bad = 1; next }
    split(computed[$2], found, "|")
    for (i = 3; i < NF; ++i)
      if (off($i + 0, found[i] + 0)) { print "README.md:" FNR ":" $2 "column " i - 1 ": computed" found[i] "found" $i; bad = 1 }
    delete computed[$2]
    next
  }
  inside && rows && !/^\|/ { inside = 0 }
  END {
    for (row in computed) { print "README.md: the row" row "is missing"; bad = 1 }
    exit bad
  }' - "$2"
