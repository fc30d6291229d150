#include <bitgauge/bitgauge.hpp>

#include "groups.hpp"
#include "limits.hpp"
#include "matrices.hpp"
#include "measure.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace bench {
namespace {

/// Registers quantize/<name>/4096x4096 and dequantize/<name>/4096x4096 for the storage order of `Matrix`. A
/// result is made anew each time, as a program's is; dequantizing writes into a matrix that is there.
template <class Matrix, class Grid>
void register_scheme(const std::string& name, Grid grid, bitgauge::granularity groups) {
  for (const int threads : {1, 2}) {
    const std::string suffix = "/" + name + "/4096x4096/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(("quantize" + suffix).c_str(), [=](benchmark::State& state) {
      const Matrix& w = weights<Matrix>();
      measure(state, float_bytes, machine_limits().copy.with(threads), [&] {
        benchmark::DoNotOptimize(bitgauge::quantize(w, grid, groups, bitgauge::options{.threads = threads}));
      });
    });
    benchmark::RegisterBenchmark(("dequantize" + suffix).c_str(), [=](benchmark::State& state) {
      const bitgauge::quantized_matrix q = bitgauge::quantize(weights<Matrix>(), grid, groups);
      Matrix out(side, side);
      measure(state, float_bytes, machine_limits().copy.with(threads),
              [&] { q.dequantize_into(out, threads); });
    });
  }
}

}  // namespace

void register_quantize() {
  using namespace bitgauge;
  register_scheme<row_major>("symmetric8", symmetric<8>{}, per_row{});
  register_scheme<row_major>("affine8", affine<8>{}, per_row{});
  register_scheme<row_major>("symmetric4_g32", symmetric<4>{}, per_group{32});
  register_scheme<row_major>("affine4_g128", affine<4>{}, per_group{128});
  register_scheme<column_major>("symmetric8_column_major", symmetric<8>{}, per_row{});
  register_scheme<column_major>("affine4_g128_column_major", affine<4>{}, per_group{128});
}

}  // namespace bench
