#include "groups.hpp"
#include "limits.hpp"
#include "matrices.hpp"
#include "measure.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>

namespace bench {
namespace {

using codes = Eigen::Matrix<std::int8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// What one writes with Eigen alone: per-row absmax, divide, round, cast.
void quantize_with_arrays(benchmark::State& state) {
  const row_major& w = weights<row_major>();
  codes q(side, side);
  measure(state, float_bytes, machine_limits().copy.one_thread, [&] {
    const Eigen::ArrayXf scale = w.array().abs().rowwise().maxCoeff() / 127.0f;
    q = (w.array().colwise() / scale).round().cast<std::int8_t>();
    benchmark::DoNotOptimize(q.data());
  });
}

void dequantize_with_arrays(benchmark::State& state) {
  const Eigen::ArrayXf scale = weights<row_major>().array().abs().rowwise().maxCoeff() / 127.0f;
  const codes q = (weights<row_major>().array().colwise() / scale).round().cast<std::int8_t>();
  row_major out(side, side);
  measure(state, float_bytes, machine_limits().copy.one_thread, [&] {
    out = q.cast<float>().array().colwise() * scale;
    benchmark::DoNotOptimize(out.data());
  });
}

}  // namespace

void register_peers() {
  benchmark::RegisterBenchmark("peer/eigen_array/quantize/symmetric8/4096x4096/threads:1",
                               quantize_with_arrays);
  benchmark::RegisterBenchmark("peer/eigen_array/dequantize/symmetric8/4096x4096/threads:1",
                               dequantize_with_arrays);
}

}  // namespace bench
