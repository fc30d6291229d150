#!/usr/bin/env bash
# language_model.sh PROGRAM README: the table of README that PROGRAM prints has the rows that PROGRAM has, in their order, and
# says of two of them, which are soon done, what PROGRAM finds. Speeds are those of a machine and are not compared.
set -euo pipefail
{
  "$1" --names
  echo "---"
  "$1" --scheme q8_0 --scheme q4_k
} | awk -F' *[|] *' '
  function off(a, b, most) { return a - b > most || b - a > most }
  FNR == NR && $0 == "---" { has_names = 1; next }
  FNR == NR && !has_names { names[++count] = $0; next }
  FNR == NR { if (/^\| `[^-]/) computed[$2] = $0; next }
  /^<!-- printed by examples\/language_model.cpp -->$/ { inside = 1; next }
  inside && /^\| `[^-]/ {
    if ($2 != names[++rows]) { print "README.md:" FNR ": expected the row " names[rows] ", found " $2; bad = 1 }
    if ($2 in computed) {
      split(computed[$2], found, / *[|] */)
      for (i = 3; i <= 7; ++i)
        if (off($i + 0, found[i] + 0, i < 5 ? 0.006 : i == 5 ? 0.001 : 0.0003)) {
          print "README.md:" FNR ": " $2 " column " i - 1 ": computed " found[i] ", found " $i; bad = 1
        }
      ++compared
    }
    next
  }
  inside && rows && !/^\|/ { inside = 0 }
  END {
    if (rows != count) { print "README.md: expected " count " rows of examples/language_model.cpp, found " rows + 0; bad = 1 }
    if (compared != 2) { print "README.md: expected q8_0 and q4_k, found " compared + 0 " of them"; bad = 1 }
    exit bad
  }' - "$2"
