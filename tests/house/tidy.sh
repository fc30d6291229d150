#!/usr/bin/env bash
# tidy.sh REPOSITORY CLANG_TIDY FLAG...: clang-tidy on all headers, as one unit, with the configuration of the repository's
# .clang-tidy.
set -euo pipefail
repository=$1 tidy=$2
shift 2
unit=$(mktemp --suffix=.cpp)
trap 'rm -f "$unit"' EXIT
(cd "$repository/include" && find bitgauge -name '*.hpp' | sort | sed 's/.*/#include <&>/') >"$unit"
"$tidy" --quiet --config-file="$repository/.clang-tidy" "$unit" -- "$@" 2> >(grep -v 'warnings generated' >&2)
