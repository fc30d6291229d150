#!/usr/bin/env bash
# plain_build.sh [FILTER]: what -march=native gains over a plain g++ -O2 where the library is used as headers alone. Products are
# measured by two programs in turn, five times; of each product the best rates and their ratio are printed, and with exit status 1
# those where the plain program is below 95 %. FILTER chooses products, else some of each kind in 4096x4096. What quantizes the
# weights is compiled once, plain. Needs Google Benchmark; CXX chooses the compiler ("ccache g++" too), EIGEN the folder of Eigen.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
filter=${1:-'^gem[vm]/(symmetric8|affine4_g32|affine4_g128|nf4_b64|q4_k)/4096x4096/'}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/main.cpp" <<'END_OF_MAIN'
#include "products/systems.hpp"
#include <benchmark/benchmark.h>
int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  bench::register_packed();
  benchmark::RunSpecifiedBenchmarks();
}
END_OF_MAIN

# Units of several flags that share matrices agree on Eigen's alignment.
compile() { # OBJECT SOURCE FLAGS...
  ${CXX:-g++} -std=c++20 -O2 -DNDEBUG -fopenmp -DEIGEN_MAX_ALIGN_BYTES=64 -I"$here" -I"$here/../include" \
    -isystem "${EIGEN:-/usr/include/eigen3}" "${@:3}" -c "$2" -o "$folder/$1.o"
}
compile limits "$here/limits.cpp" -march=native # as it always is
for source in arithmetic_loops arithmetic_limits products/product products/schemes; do
  compile "$(basename "$source")" "$here/$source.cpp"
done
compile main "$folder/main.cpp"
shared=("$folder"/*.o)
for build in plain native; do
  [[ $build == plain ]] && flags=() || flags=(-march=native)
  compile "packed_$build" "$here/products/packed.cpp" "${flags[@]}"
  # of functions that several units have, the linker takes the first: this build's
  ${CXX:-g++} -fopenmp "$folder/packed_$build.o" "${shared[@]}" -lbenchmark -lpthread -o "$folder/$build"
done

for _ in 1 2 3 4 5; do
  for build in plain native; do
    "$folder/$build" --benchmark_filter="$filter" --benchmark_min_time=0.1 --benchmark_format=csv 2>/dev/null |
      sed "s/^/$build,/" >>"$folder/rates.csv"
  done
done
awk -F, '
  $2 == "name" { for (i = 1; i <= NF; ++i) if ($i ~ /operations_per_second/) rate = i; next }
  $2 ~ /^"gem/ { if ($rate > best[$1, $2]) best[$1, $2] = $rate; if (!($2 in seen)) { seen[$2]; names[++count] = $2 } }
  END {
    for (i = 1; i <= count; ++i) {
      name = names[i]
      ratio = best["plain", name] / best["native", name]
      slow += ratio < 0.95
      gsub(/"/, "", names[i])
      printf "%-60s %8.1f %8.1f GOP/s %6.2f%s\n", names[i], best["plain", name] / 1e9, best["native", name] / 1e9, ratio,
        ratio < 0.95 ? "  <- below 0.95" : ""
    }
    exit !(count > 0 && slow == 0)
  }' "$folder/rates.csv"
