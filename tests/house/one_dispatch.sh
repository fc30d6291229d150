#!/usr/bin/env bash
# one_dispatch.sh INCLUDE_FOLDER: the instruction set in use is asked for by the dispatch alone, and to be noted; intrinsics,
# vector types and target attributes stay in simd/ and kernel/: whoever needs them calls an operation, or multiversion().
set -euo pipefail
cd "$1/bitgauge"
# forbid WHAT PATTERN ALLOWED_PATHS: the lines of code, comments apart, that match where they must not
forbid() {
  grep -rnE "$2" . --include='*.hpp' | grep -vE "^\./($3)" | grep -vE '^[^:]+:[0-9]+: *//' | sed "s/^/$1: /" || true
}
faults=$(
  forbid 'asks for the instruction set' '\b(selected|supports)\(' 'simd/(dispatch|instruction_set)\.hpp:|model/run/run_identity\.hpp:'
  forbid 'uses intrinsics' '\b(_mm[0-9]*_|_tile_|v[a-z0-9]+q?_[fsu](8|16|32|64)\()' '(simd|kernel)/'
  forbid 'includes intrinsics' '# *include <([a-z]mm|immintrin|arm_neon|arm_sve|x86[a-z]*|cpuid)\.h>' '(simd|kernel)/'
  forbid 'has a vector type of its own' '\bvector_size\b' '(simd|kernel)/'
  forbid 'names a target' 'gnu::target|__attribute__\(\(target|pragma GCC target' '(simd/x86|simd/arm|kernel)/'
)
# every version that a table gets stands in the list of README.md
faults+=$(
  grep -rhoE 'operations\.[a-z_]+ = [a-z0-9_]+::' simd/x86 simd/arm | sed -E 's/operations\.([a-z_]+) = (.*)::/\1 \2/' |
    while read -r operation set; do
      grep -qE "^\| \`$operation\` \|.*\b$set\b" simd/README.md || echo "simd/README.md: $operation has a version for $set"
    done
)
[[ -z $faults ]] || { echo "$faults"; exit 1; }
