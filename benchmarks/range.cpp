#include <bitgauge/bitgauge.hpp>
#include <bitgauge/range/kl.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/observer/histogram_observer.hpp>
#include <bitgauge/range/observer/minmax.hpp>
#include <bitgauge/range/percentile.hpp>

#include "groups.hpp"
#include "limits.hpp"
#include "matrices.hpp"
#include "measure.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace bench {
namespace {

using bitgauge::effort;
using bitgauge::granularity;

/// range/<name>/4096x4096: the whole of quantize() with this range, in one thread.
template <class Grid, class Range>
void register_one(const std::string& name, Grid grid, granularity groups, Range range) {
  benchmark::RegisterBenchmark(("range/" + name + "/4096x4096").c_str(), [=](benchmark::State& state) {
    const row_major& w = weights<row_major>();
    measure(state, float_bytes, machine_limits().read.with(1), [&] {
      benchmark::DoNotOptimize(bitgauge::quantize(w, grid, groups, range, bitgauge::options{.threads = 1}));
    });
  })->Unit(benchmark::kMillisecond);
}

/// observe/<name>/4096x4096: one batch.
template <class Observer>
void register_observer(const std::string& name, Observer empty) {
  benchmark::RegisterBenchmark(("observe/" + name + "/4096x4096").c_str(), [=](benchmark::State& state) {
    const row_major& w = weights<row_major>();
    measure(state, float_bytes, machine_limits().read.with(1), [&] {
      Observer seen = empty;
      seen.observe(w);
      benchmark::DoNotOptimize(seen);
    });
  })->Unit(benchmark::kMillisecond);
}

}  // namespace

void register_range() {
  using namespace bitgauge;
  const granularity g32 = per_group{32};
  register_one("minmax_symmetric4_g32", symmetric<4>{}, g32, minmax_range{});
  register_one("mse_fast_symmetric4_g32", symmetric<4>{}, g32, mse_range{effort::fast});
  register_one("mse_default_symmetric4_g32", symmetric<4>{}, g32, mse_range{effort::normal});
  register_one("mse_best_symmetric4_g32", symmetric<4>{}, g32, mse_range{effort::best});
  register_one("mse_default_affine4_g32", affine<4>{}, g32, mse_range{effort::normal});
  register_one("mse_best_affine4_g32", affine<4>{}, g32, mse_range{effort::best});
  register_one("mse_best_symmetric8_row", symmetric<8>{}, per_row{}, mse_range{effort::best});
  register_one("percentile_symmetric8_row", symmetric<8>{}, per_row{}, percentile_range{99.9});
  register_one("kl_symmetric8_tensor", symmetric<8>{}, per_tensor{}, kl_range{});
  register_observer("minmax", minmax_observer());
  register_observer("histogram", histogram_observer());
}

}  // namespace bench
