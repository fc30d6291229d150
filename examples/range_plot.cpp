// How the choice of a range trades clipping against rounding, for one real layer in 4 bits with one scale:
//
//     range_plot [WEIGHTS.safetensors TENSOR] OUT.svg
//
// Left: clip value against squared error and KL divergence, with what each range chooses. Right: the
// histograms of the values and of the error that the best scale leaves.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io/safetensors.hpp>
#include <bitgauge/range/kl.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/observer/divergence.hpp>
#include <bitgauge/range/observer/histogram_observer.hpp>
#include <bitgauge/range/observer/quantized_histogram.hpp>
#include <bitgauge/range/percentile.hpp>

#include "command_line.hpp"
#include "svg_chart.hpp"

#include <fmt/format.h>

#include <string>

namespace bg = bitgauge;

namespace {

constexpr bg::symmetric<4> grid{};
constexpr double highest = 7;  // the largest code: the clip value is 7 scales

/// The scale that a range chooses for the whole matrix.
template <class Range>
float scale_of(const Eigen::MatrixXf& w, const Range& range) {
  return bg::quantize(w, grid, bg::per_tensor{}, range).scales()[0];
}

/// w less what is left of it with this scale.
Eigen::MatrixXf error_at(const Eigen::MatrixXf& w, float scale) {
  return w - bg::quantize(w, grid, bg::per_tensor{}, bg::given_parameters({scale})).dequantize();
}

svg_chart clipping_chart(const Eigen::MatrixXf& w, const std::string& name) {
  const float absmax = w.cwiseAbs().maxCoeff();
  bg::histogram_observer seen;
  seen.observe(w);
  const bg::histogram h = seen.counts();
  const auto model = bg::detail::model_of(grid);
  bg::detail::quantized_histogram quantized(h);

  svg_chart::points error, divergence;
  double low = 1e300, high = 0;
  for (int i = 6; i <= 120; ++i) {
    const float clip = absmax * static_cast<float>(i) / 120;
    error.emplace_back(clip, error_at(w, clip / 7).squaredNorm() / w.squaredNorm());
    quantized.quantize(*model, {clip / 7, 0});
    const double lost = quantized.divergence(clip);
    if (lost < bg::detail::no_divergence) divergence.emplace_back(clip, lost);  // else most is left out
    for (const double y :
         {error.back().second, divergence.empty() ? error.back().second : divergence.back().second}) {
      low = std::min(low, std::max(y, 1e-6));
      high = std::max(high, y);
    }
  }
  svg_chart chart({70, 60, 310, 350}, name, {"clip value, 4 bits, one scale", 0, absmax * 1.02},
                  {"relative squared error, KL divergence", low / 1.5, high * 1.5});
  chart.curve(error, "#c0392b", "squared error");
  chart.curve(divergence, "#2471a3", "KL divergence in nats");
  chart.mark(highest * scale_of(w, bg::minmax_range{}), "#555", "min-max");
  chart.mark(highest * scale_of(w, bg::percentile_range{99.9}), "#7d3c98", "percentile 99.9");
  chart.mark(highest * scale_of(w, bg::kl_range{}), "#2471a3", "KL");
  chart.mark(highest * scale_of(w, bg::mse_range{bg::effort::best}), "#c0392b", "least squared error");
  return chart;
}

svg_chart histogram_chart(const Eigen::MatrixXf& w) {
  const Eigen::MatrixXf error = error_at(w, scale_of(w, bg::mse_range{bg::effort::best}));
  const double absmax = w.cwiseAbs().maxCoeff(), width = absmax / 60;
  const auto count = [&](const Eigen::MatrixXf& x) {
    svg_chart::points bins;
    for (int i = -61; i <= 61; ++i) bins.emplace_back(i * width, 0);
    for (const float v : x.reshaped())
      ++bins[static_cast<std::size_t>(std::lround(static_cast<double>(v) / width) + 61)].second;
    return bins;
  };
  svg_chart chart({470, 60, 310, 350}, "values, and the error of the best scale", {"value", -absmax, absmax},
                  {"count", 0.8, static_cast<double>(w.size())});
  chart.bars(count(w), width, "#2471a3", "weights");
  chart.bars(count(error), width, "#c0392b", "error");
  return chart;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2 && argc != 4) {
    fmt::print(stderr, "usage: range_plot [WEIGHTS.safetensors TENSOR] OUT.svg\n");
    return 2;
  }
  const std::string path = argc == 4 ? argv[1] : BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors";
  const std::string name = argc == 4 ? argv[2] : "silero_vad.decoder.rnn.weight_hh";
  const bg::io::safetensors_file file(path);
  const auto w = bg::io::to_matrix<Eigen::MatrixXf>(file.at(name));
  command_line::write_file(argv[argc - 1],
                           svg_chart::page(800, 500, {clipping_chart(w, name), histogram_chart(w)}));
} catch (const std::exception& failure) {
  fmt::print(stderr, "range_plot: {}\n", failure.what());
  return 2;
}
