#!/usr/bin/env bash
# lints.sh REPOSITORY: what the text of a source file alone can show. Each fault is listed with its place and what is expected.
set -euo pipefail
cd "$1"
headers=$(find include/bitgauge -name '*.hpp' | sort)
sources=$(find include src tests examples benchmarks \( -name '*.hpp' -o -name '*.cpp' \) -not -path 'tests/data/*' | sort)
faults=$(
  # Below 300 lines a header is read at one sitting. Tables, which clang-format leaves alone, are not read.
  for file in $headers; do
    lines=$(sed '/clang-format off/,/clang-format on/d' "$file" | wc -l)
    [[ $lines -lt 300 ]] || echo "$file: expected fewer than 300 lines, found $lines"
  done

  # A header says what it is for. A body is part of several.
  for file in $headers; do
    [[ $file != *_body.hpp ]] || continue
    [[ $(head -1 "$file") == '#pragma once' ]] || echo "$file:1: expected #pragma once"
    grep -q '^/// \\file$' "$file" || echo "$file: expected a comment /// \\file that says what it holds"
  done

  # Vectors of processors stay in simd/ and kernel/: other folders call operations or lanes<Bytes>. Their functions: one_dispatch.sh.
  grep -nE 'vector_size|\b__m(128|256|512)|\b(float|int|uint)(8|16|32|64)x[0-9]+_t\b' $headers |
    grep -vE '^include/bitgauge/(simd|kernel)/' | sed 's/$/  <- a vector of a processor outside simd\/ and kernel\//' || true

  # Work that is left is filed as an issue, not in the source.
  grep -nwE 'TODO|FIXME|XXX|HACK' $sources | sed 's/$/  <- file it as an issue/' || true

  # Links of pages lead somewhere; house_readme looks at README's.
  for page in .github/*.md include/bitgauge/*.md; do
    [[ -e $page ]] || continue
    grep -oE '\]\([^)#]+' "$page" | sed 's/](//' | grep -v '^https*:' | sort -u | while read -r link; do
      [[ -e $(dirname "$page")/$link ]] || echo "$page: the link $link leads nowhere"
    done
  done

  # Words are written out; what the standard library and foreign files call so keeps its name.
  grep -noE '\b([a-z0-9]+_)*(arr|buf|cfg|cnt|ctx|cur|dequant|dst|elem|elt|idx|impl|mat|mgr|msg|nbr|prev|ptr|quant|res|ret|tmp|util|utils|val|vec|zp)(_[a-z0-9]+)*_?\b' $headers |
    grep -vE ':(std::)?(align_val_t|arr|exception_ptr|g_idx|ptr|shared_ptr|unique_ptr|utils|[a-z_]*quant_[a-z_]+|([a-z]+_)*smooth_quant)$' | sed 's/$/  <- write the word out/' || true
)
[[ -z $faults ]] || { echo "$faults"; exit 1; }
