// What a bit buys: the error of every kind of scheme against the bits that it takes, on real weights.
//
//     error_against_bits OUT.svg
//
// Two matrices of a small llama, whose rows all of ggml's blocks divide; errors and bits are those of both
// together. The line is the rate-distortion bound of Gaussian data, 4^-bits, which no scheme beats there.
// docs/error_against_bits.svg, at the top of README.md, is this program's.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/gguf.hpp>
#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/io/safetensors.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>

#include "command_line.hpp"
#include "svg_chart.hpp"

#include <fmt/format.h>

#include <cmath>
#include <exception>
#include <string>
#include <vector>

namespace bg = bitgauge;

namespace {

struct point {
  std::string name;
  double bits_per_weight, error;
};

/// All matrices by one scheme: `quantize` gives each of them in its turn.
template <class Quantize>
point measure(const std::vector<Eigen::MatrixXf>& matrices, const std::string& name,
              const Quantize& quantize) {
  bg::error_sums error;
  double bits = 0;
  for (const Eigen::MatrixXf& w : matrices) {
    const auto q = quantize(w);
    error.merge(bg::measure_error(w, q));
    bits += q.bits_per_weight() * static_cast<double>(w.size());
  }
  return {name, bits / error.count, error.nmse()};
}

point by_scheme(const std::vector<Eigen::MatrixXf>& matrices, const std::string& name,
                const std::string& text) {
  const bg::scheme scheme = bg::parse_scheme(text);
  return measure(matrices, name, [&](const Eigen::MatrixXf& w) { return bg::quantize(w, scheme); });
}

point by_type(const std::vector<Eigen::MatrixXf>& matrices, const std::string& name) {
  const bg::gguf::tensor_type type = bg::gguf::find_tensor_type(name)->type;
  return measure(matrices, name, [&](const Eigen::MatrixXf& w) { return bg::quantize(w, type); });
}

svg_chart::points places(const std::vector<point>& all) {
  svg_chart::points values;
  for (const point& p : all) values.emplace_back(p.bits_per_weight, p.error);
  return values;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    fmt::print(stderr, "usage: error_against_bits OUT.svg\n");
    return 2;
  }
  const bg::io::safetensors_file file(BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors");
  std::vector<Eigen::MatrixXf> matrices;
  for (const char* name :
       {"kjv_llama.layers.1.self_attn.q_proj.weight", "kjv_llama.layers.1.mlp.down_proj.weight"})
    matrices.push_back(bg::io::to_matrix<Eigen::MatrixXf>(file.at(name)));

  std::vector<point> row, group, floats, blocks;
  for (int bits = 2; bits <= 8; ++bits) {
    row.push_back(by_scheme(matrices, {}, fmt::format("affine:bits={},scale=f16", bits)));
    group.push_back(
        by_scheme(matrices, {}, fmt::format("affine:bits={},group=64,scale=f16,range=mse", bits)));
  }
  for (const char* name : {"nf4", "fp4", "mxfp4", "nvfp4", "mxfp6_e2m3", "mxfp6_e3m2", "mxfp8_e4m3",
                           "mxfp8_e5m2", "mxint8", "dynamic8"})
    floats.push_back(by_scheme(matrices, name, name));
  floats.push_back(by_scheme(matrices, "nf4, double", "nf4:double=256"));
  for (const char* name :
       {"q8_0", "q6_k", "q5_k", "q5_0", "q4_k", "q4_0", "iq4_nl", "iq4_xs", "q3_k", "iq3_s", "iq3_xxs",
        "q2_k", "iq2_s", "iq2_xs", "iq2_xxs", "iq1_m", "iq1_s", "tq2_0"})
    blocks.push_back(by_type(matrices, name));

  const std::string grey = "#57606a", blue = "#0969da", red = "#c0392b", green = "#1a7f37",
                    purple = "#8250df";
  svg_chart chart({74, 44, 796, 470}, "What a bit buys: error against bits, two matrices of a llama",
                  {"bits per weight, scales included", 1, 9.2}, {"squared error / energy", 1e-5, 1});
  svg_chart::points bound;
  for (double bits = 1; bits <= 8.25; bits += 0.25) bound.emplace_back(bits, std::pow(4, -bits));
  chart.curve(bound, grey, "bound, Gaussian data");
  chart.curve(places(row), red, "integers, rows", true);
  chart.curve(places(group), blue, "integers, groups of 64", true);
  chart.dots(places(floats), purple, "floats, codebooks");
  chart.dots(places(blocks), green, "ggml");
  for (const auto& [all, color] : {std::pair{&floats, &purple}, {&blocks, &green}})
    for (const point& p : *all) chart.name_dot(p.bits_per_weight, p.error, *color, p.name);

  command_line::write_file(argv[1], svg_chart::page(900, 590, {chart}));
} catch (const std::exception& failure) {
  fmt::print(stderr, "error_against_bits: {}\n", failure.what());
  return 2;
}
