#!/usr/bin/env bash
# map.sh INCLUDE_FOLDER: bitgauge/README.md maps the public headers. Each is listed once, and none that is gone. A header that is not
# listed is internal: it lies in a folder of internal ones, or everything in it stands in a namespace `detail`.
set -euo pipefail
cd "$1/bitgauge"
# What is internal beside `detail`: searches, encoders, and single headers whose names other folders need.
internal='^(simd|numeric/dense|range/search|rounding/(feedback|search)|gguf/(format|search|reference|fast|best)|io/(bytes|json))/|_definitions\.hpp$'
internal+='|^kernel/((activations|arm|pack|portable|product|x86)/|(dispatch|operations)\.hpp$)'
internal+='|^(gguf/(block_importance|encode_blocks|feedback|overflow)|io/safetensors/header|matrix/scheme/grid_names)\.hpp$'
internal+='|^(metrics/nonfinite_pairs|model/tensors/locate_failures|numeric/(power|uncontracted))\.hpp$'
listed=$(grep -oE '^\| \[`[a-z0-9_/]+\.hpp`\]\([a-z0-9_/]+\.hpp\)' README.md | sed -E 's/.*\((.*)\)/\1/')
[[ $(wc -l <<<"$listed") -gt 50 ]] || { echo "README.md: only these headers are listed: $listed"; exit 1; }
faults=$(
  sort <<<"$listed" | uniq -d | sed 's/^/README.md: lists twice: /'
  for header in $listed; do [[ -e $header ]] || echo "README.md: lists $header, which is gone"; done
  find . -name '*.hpp' | sed 's#^\./##' | grep -vE "$internal" | sort | comm -23 - <(sort <<<"$listed") | while read -r header; do
    # declarations at namespace scope begin in the first column
    names=$(awk '
      /^namespace .* \{$/ { space[++depth] = $2; next }
      /^\}  \/\/ namespace/ { --depth; next }
      /^(class|struct|enum|concept|using|inline|constexpr|template|[a-z_:]+ [a-z_]+\()/ {
        for (i = 1; i <= depth; ++i) if (space[i] ~ /(^|::)detail$/) next
        if (depth && !/;$/) print
      }' "$header" | head -1)
    [[ -z $names ]] || echo "README.md: expected $header, which is not in detail: $names"
  done
)
[[ -z $faults ]] || { echo "$faults"; exit 1; }
