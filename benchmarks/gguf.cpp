#include <bitgauge/gguf/quantize.hpp>

#include "groups.hpp"
#include "limits.hpp"
#include "matrices.hpp"
#include "measure.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace bench {
namespace {

using bitgauge::effort;
using bitgauge::gguf::tensor_type;

std::string shape_of(Eigen::Index rows) {
  return "/" + std::to_string(rows) + "x" + std::to_string(side);
}

/// quantize/<type>_<effort>[_weighted]/<rows>x4096/threads:T, a new result each time. Efforts that take long
/// get a few rows.
void register_encoder(tensor_type type, effort level, const std::string& name, Eigen::Index rows,
                      bool weighted, int threads) {
  const std::string title = "quantize/" + std::string(bitgauge::gguf::traits_of(type).name) + "_" + name +
                            (weighted ? "_weighted" : "") + shape_of(rows) +
                            "/threads:" + std::to_string(threads);
  benchmark::RegisterBenchmark(title.c_str(), [=](benchmark::State& state) {
    const row_major& w = weights<row_major>();
    bitgauge::importance column_weights;
    if (weighted) column_weights = bitgauge::importance(w.row(0).cwiseAbs2().array() + 0.01f);
    const bitgauge::options how{.threads = threads};
    const double bytes = float_bytes / side * static_cast<double>(rows);
    measure(state, bytes, machine_limits().read.with(threads), [&] {
      benchmark::DoNotOptimize(bitgauge::quantize(w.topRows(rows), type, column_weights, level, how));
    });
  })->Unit(benchmark::kMillisecond);
}

/// dequantize/<type>/4096x4096/threads:T into a matrix that is there. The blocks are those of a few rows,
/// repeated: decoding takes as long whatever they hold.
void register_decoder(tensor_type type, int threads) {
  const std::string title = "dequantize/" + std::string(bitgauge::gguf::traits_of(type).name) +
                            shape_of(side) + "/threads:" + std::to_string(threads);
  benchmark::RegisterBenchmark(title.c_str(), [=](benchmark::State& state) {
    const auto few = bitgauge::quantize(weights<row_major>().topRows(2), type, effort::fast);
    std::vector<std::byte> blocks;
    for (Eigen::Index r = 0; r < side; r += 2)
      blocks.insert(blocks.end(), few.blocks().begin(), few.blocks().end());
    const bitgauge::gguf::block_matrix all(type, side, side, std::move(blocks));
    row_major out(side, side);
    measure(state, float_bytes, machine_limits().copy.with(threads),
            [&] { all.dequantize_into(out, threads); });
  });
}

}  // namespace

void register_gguf() {
  using enum tensor_type;
  constexpr std::array types{q8_0,   q4_0,   q4_1,  q5_0,  q5_1,  q2_k,  q3_k,  q4_k,   q5_k, q6_k,
                             iq4_nl, iq4_xs, mxfp4, nvfp4, tq1_0, tq2_0, iq3_s, iq2_xs, iq1_s};
  for (const tensor_type type : types) {
    const bool searches_codebook = type == iq3_s || type == iq2_xs || type == iq1_s;
    for (const int threads : {1, 2}) {
      register_decoder(type, threads);
      register_encoder(type, effort::normal, "normal", searches_codebook ? 256 : side, false, threads);
      if (type == q8_0 || type == q4_0 || type == q5_0)  // without a search, as fast as memory allows
        register_encoder(type, effort::fast, "fast", side, false, threads);
    }
    register_encoder(type, effort::normal, "normal", 256, true, 1);
    if (!searches_codebook) register_encoder(type, effort::reference, "reference", 64, false, 1);
    register_encoder(type, effort::best, "best", searches_codebook ? 1 : 16, false, 1);
  }
}

}  // namespace bench
