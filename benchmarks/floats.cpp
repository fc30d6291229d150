#include <bitgauge/bitgauge.hpp>
#include <bitgauge/range/mse.hpp>

#include "groups.hpp"
#include "limits.hpp"
#include "matrices.hpp"
#include "measure.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace bench {
namespace {

using bitgauge::options;

/// Registers quantize/<name>/4096x4096 and dequantize/<name>/4096x4096 against the bandwidth of a copy.
template <class... Answers>
void register_format(const std::string& name, const Answers&... answers) {
  for (const int threads : {1, 2}) {
    const std::string suffix = "/" + name + "/4096x4096/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(("quantize" + suffix).c_str(), [=](benchmark::State& state) {
      const row_major& w = weights<row_major>();
      measure(state, float_bytes, machine_limits().copy.with(threads), [&] {
        benchmark::DoNotOptimize(bitgauge::quantize(w, answers..., options{.threads = threads}));
      });
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("dequantize" + suffix).c_str(), [=](benchmark::State& state) {
      const bitgauge::quantized_matrix q = bitgauge::quantize(weights<row_major>(), answers...);
      row_major out(side, side);
      measure(state, float_bytes, machine_limits().copy.with(threads),
              [&] { q.dequantize_into(out, threads); });
    })->Unit(benchmark::kMillisecond);
  }
}

/// range/<name>/4096x4096: the scale searched, in one thread, against the bandwidth of reading.
template <class... Answers>
void register_search(const std::string& name, const Answers&... answers) {
  benchmark::RegisterBenchmark(("range/" + name + "/4096x4096").c_str(), [=](benchmark::State& state) {
    const row_major& w = weights<row_major>();
    measure(state, float_bytes, machine_limits().read.with(1),
            [&] { benchmark::DoNotOptimize(bitgauge::quantize(w, answers..., options{.threads = 1})); });
  })->Unit(benchmark::kMillisecond);
}

}  // namespace

void register_floats() {
  using namespace bitgauge;
  register_format("nf4", nf4{}, per_block{64});
  register_format("nf4_double", nf4{}, per_block{64}, double_quantized{256});
  register_format("mxfp4", mxfp4{}, per_block{32}, e8m0_scales);
  register_format("mxfp6_e2m3", mxfp6_e2m3{}, per_block{32}, e8m0_scales);
  register_format("mxint8", mxint8{}, per_block{32}, e8m0_scales);
  register_format("nvfp4", fp4_e2m1{}, per_block{16}, e4m3_scales);
  register_format("fp8_e4m3", fp8_e4m3{}, per_row{});
  register_format("dynamic8", dynamic8{}, per_block{256});
  for (const auto& [name, level] :
       {std::pair{"fast", effort::fast}, {"default", effort::normal}, {"best", effort::best}}) {
    register_search(std::string("mse_") + name + "_nf4", nf4{}, per_block{64}, mse_range{level});
  }
  register_search("mse_default_fp8_e4m3_g128", fp8_e4m3{}, per_group{128}, mse_range{});
  register_search("mse_default_nf4_double", nf4{}, per_block{64}, double_quantized{256},
                  mse_range{effort::normal});
  register_search("mse_mxfp4", mxfp4{}, per_block{32}, e8m0_scales, mse_range{});
  register_search("mse_nvfp4", fp4_e2m1{}, per_block{16}, e4m3_scales, mse_range{});
}

}  // namespace bench
