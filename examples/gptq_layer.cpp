// What a bit buys of a layer's outputs: one real layer by every kind of scheme, rounded to nearest, by GPTQ, by GPTQ
// with refinement, and as levels of a trellis.
//
//     gptq_layer [WEIGHTS.safetensors TENSOR] OUT.svg
//
// Its inputs are made up: correlated from one to the next and of very different sizes, as the inputs of real
// layers are. Half of the samples calibrate; the errors drawn are those on the other half. The line is the
// rate-distortion bound of normal weights under the Hessian of that half. docs/gptq_layer.svg is this program's.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/io/safetensors.hpp>
#include <bitgauge/metrics/output_bound.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/model/quantize.hpp>

#include "command_line.hpp"
#include "svg_chart.hpp"

#include <fmt/format.h>

#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

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

/// A layer, and what quantizing it costs.
class layer {
 public:
  explicit layer(Eigen::MatrixXf w) : w_(std::move(w)), seen_(w_.cols()), unseen_(w_.cols()) {
    const Eigen::MatrixXf x = made_up_inputs(16 * w_.cols(), w_.cols());
    seen_.accumulate(x.topRows(8 * w_.cols()));
    unseen_.accumulate(x.bottomRows(8 * w_.cols()));
    bound_ = bg::output_bound(unseen_, w_);
    fmt::print(
        "| scheme | bits a weight | output error, unseen | bits above the bound |\n|---|---|---|---|\n");
  }

  /// ||(W - Q) X||^2 / ||W X||^2 on samples that did not calibrate, by each of some schemes that fits the layer.
  svg_chart::points by(const std::vector<std::string>& schemes) const {
    svg_chart::points all;
    for (const std::string& text : schemes) {
      const bg::tensor_format format = bg::parse_format(text);
      if (format.type() && w_.cols() % bg::gguf::traits_of(*format.type()).elements != 0) continue;
      const bg::any_quantized q =
          format.feeds_back() ? bg::quantize(w_, format, seen_) : bg::quantize(w_, format);
      const double bits = q.bits_per_weight();
      const bg::output_error found = bg::measure_output_error(w_, q, unseen_);
      fmt::print("| `{}` | {:.3f} | {:.3g} | {:.2f} |\n", text, bits, found.relative(),
                 bits - bound_.bits(found.error));
      all.emplace_back(bits, found.relative());
    }
    return all;
  }
  double bound(double bits) const { return bound_.error(bits) / bound_.energy(); }

 private:
  Eigen::MatrixXf w_;
  bg::hessian seen_, unseen_;
  bg::output_bound bound_;
};

/// A scheme's text at each of some numbers of bits.
std::vector<std::string> at(const std::vector<double>& bits, const std::string& before,
                            const std::string& behind) {
  std::vector<std::string> texts;
  for (const double each : bits) texts.push_back(fmt::format("{}{}{}", before, each, behind));
  return texts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    fmt::print(stderr, "usage: gptq_layer [WEIGHTS.safetensors TENSOR] OUT.svg\n");
    return 2;
  }
  try {
    const std::string file = argc == 4 ? argv[1] : BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors";
    const std::string name = argc == 4 ? argv[2] : "kjv_llama.layers.1.mlp.down_proj.weight";
    const layer l(bg::io::to_matrix<Eigen::MatrixXf>(bg::io::safetensors_file(file).at(name)));

    const std::string grey = "#57606a", red = "#c0392b", orange = "#e08e0b", blue = "#0969da",
                      green = "#1a7f37", brown = "#7d4e00", purple = "#8250df";
    svg_chart chart({80, 44, 790, 470}, "What a bit buys of a layer's outputs: " + name,
                    {"bits per weight, scales included", 1, 5.75},
                    {"relative output error, unseen samples", 1e-5, 1});
    svg_chart::points bound;
    for (double bits = 1; bits <= 5.5; bits += 0.25) bound.emplace_back(bits, l.bound(bits));
    chart.curve(bound, grey, "bound, normal weights");
    const std::string affine = "affine:bits=", groups = ",group=64,scale=f16";
    chart.curve(l.by(at({2, 3, 4, 5}, affine, groups + ",range=mse")), red, "nearest", true);
    chart.curve(l.by(at({2, 3, 4, 5}, affine, groups + ",rounding=gptq")), orange, "GPTQ", true);
    chart.curve(l.by(at({2, 3, 4, 5}, affine, groups + ",rounding=gptq,act_order=1,effort=best")), blue,
                "refined", true);
    // all dots stand before the first name
    std::vector<std::pair<std::string, std::pair<double, double>>> blocks, codebooks;
    for (const char* each : {"tq2_0", "q2_k", "q3_k", "iq4_xs", "q4_k", "q5_k"})
      for (const auto& place : l.by({std::string(each) + ":rounding=gptq"})) blocks.emplace_back(each, place);
    for (const char* each : {"nf4:double=256", "fp4:double=256"})
      for (const auto& place : l.by({std::string(each) + ",rounding=gptq,act_order=1"}))
        codebooks.emplace_back(std::string(each).substr(0, 3), place);
    const auto draw_dots = [&](const auto& named, const std::string& color, const std::string& legend) {
      svg_chart::points places;
      for (const auto& [text, place] : named) places.push_back(place);
      chart.dots(places, color, legend);
    };
    draw_dots(blocks, green, "ggml, GPTQ");
    draw_dots(codebooks, brown, "NF4 and FP4, GPTQ");
    const std::vector<double> rates{1.25, 1.5, 2, 2.5, 3, 4, 5};
    chart.curve(l.by(at(rates, "trellis:bits=", ",rounding=gptq")), purple, "trellis", true);
    l.by(at(rates, "trellis:bits=", ",states=64,rounding=gptq"));  // told, as near to the first as it is
    for (const auto& [named, color] : {std::pair{&blocks, &green}, {&codebooks, &brown}})
      for (const auto& [text, place] : *named) chart.name_dot(place.first, place.second, *color, text);
    command_line::write_file(argv[argc - 1], svg_chart::page(900, 590, {chart}));
  } catch (const bg::bitgauge_error& failure) {
    fmt::print(stderr, "gptq_layer: {}\n", failure.what());
    return 2;
  }
}
