#!/usr/bin/env bash
# compile_cost.sh [COMPILER_FLAGS...]: what including the library costs. The CPU seconds of compiling a few short programs,
# each as a ratio to a file that includes Eigen and multiplies two matrices, and the memory that the compiler took. With
# -DBITGAUGE_COMPILED the programs are those that link bitgauge::compiled. Needs GNU time; CXX chooses the compiler.
set -euo pipefail
include=$(cd "$(dirname "$0")/../include" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

program() { cat >"$folder/$1.cpp"; }
program eigen <<'END'
#include <Eigen/Dense>
Eigen::MatrixXf product(const Eigen::MatrixXf& a, const Eigen::MatrixXf& b) { return a * b; }
END
program umbrella <<'END'
#include <bitgauge/bitgauge.hpp>
END
cp "$include/../tests/consumer/project/main.cpp" "$folder/ten_lines.cpp"
ggml() {
  program "ggml_$1" <<END
#include <bitgauge/gguf/quantize.hpp>
bitgauge::index_t bytes(const Eigen::MatrixXf& W) {
  return bitgauge::quantize(W, bitgauge::gguf::q4_k{}, bitgauge::effort::$2).storage_bytes();
}
END
}
ggml default normal
ggml best best
program everything <<'END'
#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io.hpp>
#include <bitgauge/model/quantize.hpp>
#include <bitgauge/rounding/gptq.hpp>
double run(const Eigen::MatrixXf& W, const char* text) {
  bitgauge::hessian H(W.cols());
  H.accumulate(W);
  const auto q = bitgauge::quantize(W, bitgauge::affine<4>{}, bitgauge::per_group{128}, bitgauge::gptq{H});
  const auto any = bitgauge::quantize(W, text, H);  // any ggml type at any effort
  bitgauge::io::save("codes.safetensors", {{"W", q}});
  if (const auto* blocks = any.get_if<bitgauge::gguf::block_matrix>())
    bitgauge::io::save("blocks.gguf", {{"W", *blocks}});
  return bitgauge::measure_error(W, bitgauge::io::load("codes.safetensors", "W")).sqnr_db();
}
END

seconds_of_eigen=
printf '%-14s %8s %6s %6s\n' program seconds ratio MB
for name in eigen umbrella ten_lines ggml_default ggml_best everything; do
  used=$({ /usr/bin/time -f '%U %S %M' "${CXX:-g++}" -std=c++20 -O2 -I"$include" -isystem "${EIGEN:-/usr/include/eigen3}" \
    "$@" -c "$folder/$name.cpp" -o "$folder/$name.o"; } 2>&1)
  read -r user system memory <<<"$(tail -n 1 <<<"$used")"
  seconds_of_eigen=${seconds_of_eigen:-$(awk "BEGIN { print $user + $system }")}
  awk "BEGIN { s = $user + $system; printf \"%-14s %8.1f %6.1f %6.0f\n\", \"$name\", s, s / $seconds_of_eigen, $memory / 1024 }"
done
