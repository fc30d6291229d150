#!/usr/bin/env bash
# include_order.sh INCLUDE_FOLDER: data flows one way through the folders, so an include points to the same or an earlier one, and of two
# folders within one that lie beside each other one at most includes the other; intrinsics stay in simd/ and kernel/.
set -euo pipefail
cd "$1/bitgauge"
faults=$(
  grep -rnE '^ *# *include <bitgauge/[a-z0-9_]+/' . --include='*.hpp' | awk '
    BEGIN {
      count = split("base numeric simd grid granularity scale range rounding packing matrix metrics gguf bitsandbytes hqq transform kernel layer training model io", order, " ")
      for (i = 1; i <= count; ++i) rank[order[i]] = i
    }
    {
      split($0, colon, ":"); split(colon[1], path, "/"); from = path[2]
      split($0, quoted, "<bitgauge/"); split(quoted[2], target, "/"); to = target[1]
      if (path[3] == "") next  # bitgauge.hpp and its like stand above the folders
      if (!(from in rank)) print colon[1] ": the folder " from " is not in the order"
      else if (rank[to] > rank[from] || (to != from && rank[to] == rank[from])) print colon[1] ":" colon[2] ": " from " includes " to
    }'
  grep -rnE '^ *# *include <bitgauge/[a-z0-9_]+/[a-z0-9_]+/' . --include='*.hpp' | awk '
    {
      split($0, colon, ":"); from = colon[1]; sub(/^\.\//, "", from); sub(/\/[^\/]*$/, "", from)
      split($0, quoted, "<bitgauge/"); to = quoted[2]; sub(/\/[^\/]*$/, "", to)
      if (index(from "/", to "/") != 1 && index(to "/", from "/") != 1) example[from " and " to] = colon[1] ":" colon[2]
    }
    END {
      for (pair in example) {
        split(pair, both, " and ")
        back = both[2] " and " both[1]
        if (pair < back && back in example) print example[pair] ", " example[back] ": " pair " include each other"
      }
    }'
  grep -rnE '# *include <(imm|[a-z]mm|arm_neon|arm_sve|x86)[a-z_]*\.h>' . --include='*.hpp' | grep -vE '^\./(simd|kernel)/' || true
)
[[ -z $faults ]] || { echo "$faults"; exit 1; }
