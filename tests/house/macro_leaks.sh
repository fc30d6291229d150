#!/usr/bin/env bash
# macro_leaks.sh INCLUDE_FOLDER COMPILE...: lists macros without the prefix BITGAUGE_ that a header leaves defined, and pragmas
# that it pushes and does not pop. The line markers of the preprocessed unit tell whose each line is.
set -euo pipefail
include=$1
shift
unit=$(cd "$include" && find bitgauge -name '*.hpp' | sort | sed 's/.*/#include <&>/')
leaks=$("$@" -dD -E -x c++ - <<<"$unit" | awk -v include="$include/" '
  /^# [0-9]+ "/ { split($0, part, "\""); ours = index(part[2], include) == 1; file = part[2]; next }
  /^#define / && ours { split($2, name, "("); if (name[1] !~ /^BITGAUGE_/) where[name[1]] = file }
  /^#undef / { delete where[$2] }
  /^#pragma/ && ours && /push/ { ++pushed[file] }
  /^#pragma/ && ours && /pop/ { --pushed[file] }
  END {
    for (macro in where) print where[macro] ": leaves the macro " macro
    for (header in pushed) if (pushed[header] != 0) print header ": " pushed[header] " pragmas pushed and not popped"
  }')
[[ -z $leaks ]] || { echo "$leaks"; exit 1; }
