// One real layer at 2, 3 and 4 bits, rounded to nearest, by GPTQ and by GPTQ with refinement:
//
//     gptq_layer [WEIGHTS.safetensors TENSOR] OUT.svg
//
// Its inputs are made up: correlated from one to the next and of very different sizes, as the inputs of real
// layers are. Half of the samples calibrate; the errors drawn are those on the other half.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io/safetensors.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "svg_chart.hpp"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <random>
#include <string>

namespace bg = bitgauge;

namespace {

Eigen::MatrixXf made_up_inputs(Eigen::Index samples, Eigen::Index inputs) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  Eigen::MatrixXf x = Eigen::MatrixXf::NullaryExpr(samples, inputs, [&] { return normal(random); });
  for (Eigen::Index j = 1; j < inputs; ++j) x.col(j) = 0.9f * x.col(j - 1) + 0.44f * x.col(j);
  for (Eigen::Index j = 0; j < inputs; ++j) x.col(j) *= std::exp(normal(random));
  return x;
}

/// ||(W - Q) X||^2 / ||W X||^2 on samples that did not calibrate.
double unseen_error(const Eigen::MatrixXf& w, const bg::quantized_matrix& q, const Eigen::MatrixXf& x) {
  return (x * (w - q.dequantize()).transpose()).squaredNorm() / (x * w.transpose()).squaredNorm();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    fmt::print(stderr, "usage: gptq_layer [WEIGHTS.safetensors TENSOR] OUT.svg\n");
    return 2;
  }
  try {
    const std::string file = argc == 4 ? argv[1] : BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors";
    const std::string name = argc == 4 ? argv[2] : "ppocr_rec.linear_81.w_0";
    const auto w = bg::io::to_matrix<Eigen::MatrixXf>(bg::io::safetensors_file(file).at(name));
    const Eigen::MatrixXf x = made_up_inputs(16 * w.cols(), w.cols());
    const Eigen::MatrixXf unseen = x.bottomRows(8 * w.cols());
    bg::hessian h(w.cols());
    h.accumulate(x.topRows(8 * w.cols()));

    svg_chart::points nearest, plain, best;
    fmt::print("{:>4} {:>12} {:>12} {:>12}   error on unseen samples\n", "bits", "nearest", "gptq",
               "refined");
    for (int bits = 2; bits <= 4; ++bits) {
      const auto grid = bg::make_affine(bits);
      const bg::per_group groups{40};
      nearest.emplace_back(bits, unseen_error(w, bg::quantize(w, grid, groups), unseen));
      plain.emplace_back(bits, unseen_error(w, bg::quantize(w, grid, groups, bg::gptq(h)), unseen));
      bg::gptq_report report;
      const bg::gptq searching(h, {.act_order = true, .effort = bg::effort::best, .report = &report});
      best.emplace_back(bits, unseen_error(w, bg::quantize(w, grid, groups, searching), unseen));
      fmt::print(
          "{:>4} {:>12.3e} {:>12.3e} {:>12.3e}   seen: {:.3e}, predicted for gptq in act_order: {:.3e}\n",
          bits, nearest.back().second, plain.back().second, best.back().second, report.error / report.energy,
          report.predicted_error / report.energy);
    }
    svg_chart chart({80, 50, 690, 370}, name, {"bits", 2, 4, true},
                    {"relative output error, unseen samples", 1e-5, 1});
    chart.curve(nearest, "#d62728", "nearest", true);
    chart.curve(plain, "#1f77b4", "GPTQ", true);
    chart.curve(best, "#2ca02c", "GPTQ, refined", true);
    std::ofstream out(argv[argc - 1], std::ios::binary);
    out << svg_chart::page(800, 500, {chart});
    out.close();
    if (!out) throw bg::io_error(std::string(argv[argc - 1]) + ": cannot be written");
  } catch (const bg::bitgauge_error& failure) {
    fmt::print(stderr, "gptq_layer: {}\n", failure.what());
    return 2;
  }
}
