#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>

#include "support/each_instruction_set.hpp"
#include "support/message_of.hpp"
#include "support/product_oracle.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

/// A number in [least, most], small ones more often.
index_t some(std::mt19937& random, index_t least, index_t most) {
  const index_t end = least + 1 + (most - least) * static_cast<index_t>(random() % 4 + 1) / 4;
  return least + static_cast<index_t>(random() % static_cast<unsigned>(end - least));
}

/// Weights as they come, of scales that differ by row and group.
Eigen::MatrixXf some_weights(std::mt19937& random, index_t rows, index_t cols) {
  Eigen::MatrixXf w = test::random_matrix(rows, cols, static_cast<std::uint32_t>(random()));
  if (random() % 8 == 0) w = w.cwiseAbs();  // zero points at the end of the codes
  if (random() % 8 == 0) w *= 0x1p-12f;
  if (random() % 8 == 0 && rows > 0) w.row(rows / 2).setZero();
  return w;
}

/// Every grid of 1 to 8 bits, granularity and storage of scales, as text.
std::string some_scheme(std::mt19937& random) {
  static constexpr std::array grids{
      "nf4",      "fp4",           "dynamic8", "fp8_e4m3", "fp8_e5m2", "fp6_e3m2",   "fp6_e2m3",
      "fp4_e2m1", "fp8_e4m3_fnuz", "mxfp4:",   "mxint8:",  "nvfp4:",   "mxfp8_e4m3:"};
  static constexpr std::array storages{"f32", "f16", "bf16"};
  std::string text;
  if (random() % 3 != 0) {
    const bool symmetric = random() % 2 == 0;
    text = (symmetric ? "symmetric:bits=" : "affine:bits=") + std::to_string(1 + random() % 8);
    if (symmetric && random() % 4 == 0) text += ",full=1";
  } else {
    text = grids[random() % grids.size()];
    if (text.back() == ':') return text.substr(0, text.size() - 1);  // blocks and scales of its own
    text += ":";
  }
  const auto key = [&](const std::string& more) { text += (text.back() == ':' ? "" : ",") + more; };
  switch (random() % 8) {
    case 0:
      key("group=tensor");
      break;
    case 1:
      key("group=row");
      break;
    case 2:
      key("group=column");
      break;
    default:
      key("group=" + std::to_string(random() % 3 == 0 ? some(random, 1, 256) : index_t{8} << random() % 6));
  }
  if (text.starts_with("symmetric:bits=1")) {
    key("scale=f32");  // others are refused where they are too coarse
  } else if (random() % 5 == 0) {
    key("double=256");
  } else {
    key(std::string("scale=") + storages[random() % storages.size()]);
  }
  return text;
}

/// Activations of samples of many sizes, some with zeros alone.
Eigen::MatrixXf some_samples(std::mt19937& random, index_t in, index_t samples) {
  Eigen::MatrixXf x = test::random_matrix(in, samples, static_cast<std::uint32_t>(random()));
  for (index_t s = 0; s < samples; ++s)
    x.col(s) *= random() % 16 == 0 ? 0.0f : std::ldexp(1.0f, static_cast<int>(random() % 20) - 10);
  return x;
}

struct shape {
  index_t rows, cols, samples;
};
shape some_shape(std::mt19937& random) {
  return {some(random, 0, 70), random() % 8 == 0 ? some(random, 0, 600) : some(random, 0, 70),
          random() % 3 == 0 ? some(random, 0, 4) : some(random, 1, 70)};
}

/// A product to try: its parts and, for the message of a failure, what it is.
struct some_product {
  explicit some_product(std::mt19937& random)
      : size(some_shape(random)),
        scheme(some_scheme(random)),
        q(quantize(some_weights(random, size.rows, size.cols), parse_scheme(scheme))),
        x(some_samples(random, size.cols, size.samples)),
        bias(random() % 2 == 0 ? Eigen::VectorXf() : Eigen::VectorXf(test::random_matrix(size.rows, 1, 5))) {
    options.bias = {bias.data(), static_cast<std::size_t>(bias.size())};
  }

  bool by_column() const { return q.groups().how().what == granularity::kind::column && q.size() > 0; }

  void expect_near(const test::real_matrix& expected) const {
    const packed_weights P(q);
    test::on_each_instruction_set([&] {
      Eigen::MatrixXf y = Eigen::MatrixXf::Constant(size.rows, size.samples, 7);
      P.multiply(x, y, options);
      ASSERT_TRUE(test::is_near(y, expected, size.cols))
          << scheme << " " << size.rows << " x " << size.cols << " x " << size.samples << ", block "
          << options.activation_block << " " << simd::name_of(simd::selected());
    });
  }

  shape size;
  std::string scheme;
  quantized_matrix q;
  Eigen::MatrixXf x;
  Eigen::VectorXf bias;
  product_options options;
};

constexpr int cases = 1500;

// Catches a weight, activation or output at another place than its own, whatever the shape, the tails and the
// instruction set; a scale, zero point or level of another group; sums that lose more than floats do.
TEST(packed_weights, exact_products_are_within_their_bound) {
  std::mt19937 random(1);
  for (int i = 0; i < cases && !HasFatalFailure(); ++i) {
    const some_product p(random);
    p.expect_near(
        test::product_of(test::weights_of(p.q), {p.x.cast<double>(), p.x.cast<double>().cwiseAbs()}, p.bias));
  }
}

/// Ways of rounding activations, of all kinds that fit the weights.
void choose_rounding(std::mt19937& random, some_product& p) {
  product_options& options = p.options;
  options.precision = product_precision::integer;
  const std::array grids{make_symmetric(8), make_symmetric(8, {.full = true}),
                         make_symmetric(8, {.unsigned_codes = true}), make_affine(8),
                         make_affine(8, {.signed_codes = true})};
  options.activations = grids[random() % grids.size()];
  if (random() % 4 == 0) {
    options.frozen = parameters{0.03125f, options.activations.center};
    if (options.activations.has_zero_point)
      options.frozen->zero_point = options.activations.lowest + static_cast<int>(random() % 256);
  }
  const bool has_groups = p.q.groups().how().what == granularity::kind::group;
  const index_t group = has_groups ? p.q.groups().run() : p.q.cols();
  switch (random() % 5) {
    case 0:
      options.activation_block = group * static_cast<index_t>(1 + random() % 3);
      break;
    case 1:
      options.activation_block = whole_sample;
      break;
    case 2:
      options.activation_block = group >= p.q.cols() ? 32 : 2 * group;
      break;
    case 3:
      options.activation_block = group % 16 == 0 ? group / 2 : 0;
      break;
    default:
      break;
  }
}

// The same of integer products, whose activations are those that quantize() makes: catches another block, grid
// or rounding of activations, and zero points that are not taken out.
TEST(packed_weights, integer_products_are_those_of_rounded_activations) {
  std::mt19937 random(2);
  for (int i = 0; i < cases && !HasFatalFailure(); ++i) {
    some_product p(random);
    choose_rounding(random, p);
    const bool has_groups = p.q.groups().how().what == granularity::kind::group;
    index_t block = p.options.activation_block;
    if (block == 0) block = has_groups ? p.q.groups().run() : p.q.cols();
    block = std::min(block, p.q.cols());
    test::real_matrix w = test::integer_weights_of(p.q, packed_weights(p.q).view());
    if (!p.by_column()) {
      p.expect_near(test::product_of(w, test::rounded_samples(p.x, block, p.options), p.bias));
      continue;
    }
    // activations are rounded as they meet weights of scale 1, but for the share of the zero points
    Eigen::MatrixXf scaled = p.x;
    const int middle = p.q.encoding().is_signed ? 0 : 1 << (p.q.bits() - 1);
    Eigen::MatrixXd zeros = Eigen::MatrixXd::Zero(w.values.rows(), w.values.cols());
    for (index_t c = 0; c < p.q.cols(); ++c) {
      scaled.row(c) *= p.q.scale(c);
      if (p.q.scale(c) == 0) continue;
      w.values.col(c) /= static_cast<double>(p.q.scale(c));
      w.magnitudes.col(c) /= static_cast<double>(p.q.scale(c));
      if (p.q.encoding().levels.empty() && !p.q.encoding().is_sign_only)
        zeros.col(c).setConstant(p.q.zero_point(c) - middle);
    }
    w.values += zeros;
    test::real_matrix expected = test::product_of(w, test::rounded_samples(scaled, block, p.options), p.bias);
    expected.values -= zeros * scaled.cast<double>();
    expected.magnitudes += zeros.cwiseAbs() * scaled.cast<double>().cwiseAbs();
    p.expect_near(expected);
  }
}

}  // namespace
