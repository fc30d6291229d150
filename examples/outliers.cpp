// A few inputs of huge values, and what each remedy makes of them: a table and, where it is to be drawn, a chart.
//
//     outliers [OUT.svg]
//
// The layer is the query projection of a small llama. Its inputs are made up: each N(0, 1) and correlated with the
// next, six of them then some times as large, 20 in the table. Half of the samples calibrate; errors are those of the
// outputs on the other half. Activations get 8 bits and a scale a sample, always. docs/outliers.svg is this
// program's.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io/safetensors.hpp>
#include <bitgauge/layer/linear.hpp>
#include <bitgauge/layer/llm_int8.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/transform/auto_alpha.hpp>
#include <bitgauge/transform/awq.hpp>
#include <bitgauge/transform/combine.hpp>
#include <bitgauge/transform/rotation.hpp>
#include <bitgauge/transform/smooth_quant.hpp>

#include "command_line.hpp"
#include "svg_chart.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace bg = bitgauge;

namespace {

using bg::row_matrix;

const auto eight_bits = bg::make_symmetric(8);
constexpr float of_table = 20;  // how many times larger its outliers are

/// What one remedy leaves of the outputs' error, ||Y - X W^T|| / ||X W^T||.
struct outcome {
  std::string name;
  double bits_per_weight = 0, nearest = 0, gptq = 0;
};

/// A layer with what calibration knows of its inputs.
struct problem {
  problem(const Eigen::MatrixXf& w, float times) : weights(w), stats(w.cols()), h(w.cols()) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    const bg::index_t samples = 8 * w.cols();
    row_matrix x = row_matrix::NullaryExpr(samples, w.cols(), [&] { return normal(random); });
    for (bg::index_t j = 1; j < x.cols(); ++j) x.col(j) = 0.9f * x.col(j - 1) + 0.436f * x.col(j);
    for (const bg::index_t j : {7, 50, 93, 136, 179, 222}) x.col(j) *= times;
    stats.observe(x.topRows(samples / 2));
    h.accumulate(x.topRows(samples / 2));
    unseen = x.bottomRows(samples / 2);
    exact = unseen.cast<double>() * w.cast<double>().transpose();
  }
  double error_of(const row_matrix& y) const { return (y.cast<double>() - exact).norm() / exact.norm(); }

  Eigen::MatrixXf weights;
  bg::activation_stats stats;
  bg::hessian h;
  row_matrix unseen;
  Eigen::MatrixXd exact;
};

/// The layer of weights rewritten by `t`, quantized by `answers`.
template <class T, class... Answers>
outcome transformed_by(const T& t, const std::string& name, const problem& p, const Answers&... answers) {
  const bg::transformed<T> s(p.weights, t);
  const bg::hessian changed = s.hessian_of(p.h);
  const row_matrix x = s.inputs(p.unseen);
  const bg::linear_options how{.activations = bg::activation_quantizer::dynamic(bg::per_row{}, eight_bits)};
  const auto q = bg::quantize(s.weights(), answers...);
  const auto fed_back = bg::quantize(s.weights(), answers..., bg::gptq{changed});
  return {name, q.bits_per_weight(), p.error_of(bg::linear(q, how)(x)),
          p.error_of(bg::linear(fed_back, how)(x))};
}

/// All remedies; `answers` are those to quantize the weights by.
template <class... Answers>
std::vector<outcome> outcomes(const problem& p, const Answers&... answers) {
  const bg::index_t n = p.weights.cols();
  const bg::auto_alpha search{.activations = bg::activation_noise{.grid = eight_bits}};
  const auto smooth = bg::smooth_quant(p.weights, p.stats, 0.5).transform();
  const auto smooth_auto = bg::smooth_quant(p.weights, p.stats, search, p.h, answers...).transform();
  const auto scaling = bg::awq(p.weights, p.stats, p.h, answers...).transform();
  const bg::rotation rotation(n, {.seed = 7});
  return {transformed_by(bg::channel_scaling(Eigen::VectorXf::Ones(n)), "plain", p, answers...),
          transformed_by(scaling, "AWQ", p, answers...),
          transformed_by(smooth, "SmoothQuant, 0.5", p, answers...),
          transformed_by(smooth_auto, "SmoothQuant, auto", p, answers...),
          transformed_by(rotation, "rotation", p, answers...),
          transformed_by(bg::combine(smooth, rotation), "smooth, rotate", p, answers...)};
}

/// Of 8 bits alone; the inputs that are outliers stay floats.
outcome by_llm_int8(const problem& p) {
  const auto q = bg::quantize(p.weights, bg::symmetric<8>{}),
             fed_back = bg::quantize(p.weights, bg::symmetric<8>{}, bg::gptq{p.h});
  const bg::llm_int8_options how{.exact_constant = true};
  return {"LLM.int8", q.bits_per_weight(), p.error_of(bg::llm_int8(q, how)(p.unseen)),
          p.error_of(bg::llm_int8(fed_back, how)(p.unseen))};
}

std::vector<outcome> w8a8(const problem& p) {
  std::vector<outcome> all = outcomes(p, bg::symmetric<8>{});
  all.push_back(by_llm_int8(p));
  return all;
}
std::vector<outcome> w4a8(const problem& p) {
  return outcomes(p, bg::affine<4>{}, bg::per_group{64}, bg::f16_scales);
}

void print_table(const char* title, const std::vector<outcome>& all) {
  fmt::print("{:<22} {:>6} {:>12} {:>12}\n", title, "bits", "nearest", "GPTQ");
  for (const outcome& o : all)
    fmt::print("{:<22} {:>6.3f} {:>10.3f} % {:>10.3f} %\n", o.name, o.bits_per_weight, 100 * o.nearest,
               100 * o.gptq);
}

/// The errors of one scheme against the size of the outliers, a curve a remedy.
class error_chart {
 public:
  error_chart(double top, const std::string& title, double from, double to)
      : chart_({74, top, 796, 330}, title, {"six inputs times", 0, 42}, {"relative output error", from, to}) {
  }
  void add(float times, const std::vector<outcome>& all, double outcome::*error) {
    curves_.resize(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      curves_[i].name = all[i].name;
      curves_[i].points.emplace_back(static_cast<double>(times), all[i].*error);
    }
  }
  svg_chart drawn() const {
    const char* const colors[] = {"#c0392b", "#8250df", "#d4a017", "#0969da",
                                  "#1a7f37", "#17a2b8", "#57606a"};
    svg_chart chart = chart_;
    for (std::size_t i = 0; i < curves_.size(); ++i)
      chart.curve(curves_[i].points, colors[i], curves_[i].name, true);
    return chart;
  }

 private:
  struct curve {
    std::string name;
    svg_chart::points points;
  };
  svg_chart chart_;
  std::vector<curve> curves_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2) {
    fmt::print(stderr, "usage: outliers [OUT.svg]\n");
    return 2;
  }
  try {
    const bg::io::safetensors_file file(BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors");
    const auto w = bg::io::to_matrix<Eigen::MatrixXf>(file.at("kjv_llama.layers.1.self_attn.q_proj.weight"));
    error_chart eight(44, "W8A8, weights rounded to nearest", 2e-3, 4e-2),
        four(494, "W4A8, groups of 64, weights rounded by GPTQ", 9e-3, 1e-1);
    const std::vector<float> sizes =
        argc == 2 ? std::vector<float>{1, 5, 10, 20, 40} : std::vector<float>{of_table};
    for (const float times : sizes) {
      const problem p(w, times);
      const std::vector<outcome> of_eight = w8a8(p), of_four = w4a8(p);
      eight.add(times, of_eight, &outcome::nearest);
      four.add(times, of_four, &outcome::gptq);
      if (times != of_table) continue;
      print_table("W8A8", of_eight);
      fmt::print("\n");
      print_table("W4A8, groups of 64", of_four);
    }
    if (argc == 2)
      command_line::write_file(argv[1], svg_chart::page(900, 920, {eight.drawn(), four.drawn()}));
  } catch (const bg::bitgauge_error& failure) {
    fmt::print(stderr, "outliers: {}\n", failure.what());
    return 2;
  }
}
