// What products of tiles have of their own; tests of products run with AMX emulated, too.

#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/matrix/quantize.hpp>

#include "support/each_instruction_set.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

std::uint32_t seed = 1;

struct shape {
  index_t rows, cols, samples, group;
};
/// Small ones of every kind, and long rows of several chunks by several tiles of samples.
shape random_shape(std::mt19937& random) {
  const auto up_to = [&](index_t most) { return 1 + static_cast<index_t>(random()) % most; };
  if (up_to(8) == 1) return {up_to(40), 500 + up_to(800), 60 + up_to(100), up_to(2) == 1 ? 128 : up_to(256)};
  return {up_to(70), up_to(200), up_to(70), up_to(256)};
}

quantized_matrix random_weights(std::mt19937& random, const shape& s) {
  const Eigen::MatrixXf w = test::random_matrix(s.rows, s.cols, seed++);
  const int bits = 1 + static_cast<int>(random() % 8);
  const granularity groups = random() % 4 == 0 ? granularity(per_row{}) : granularity(per_group{s.group});
  return random() % 2 == 0 ? quantize(w, make_affine(bits), groups)
                           : quantize(w, make_symmetric(bits), groups);
}

// Magnitudes with distances from zero points: at most the extent of a group.
Eigen::MatrixXd magnitudes(const quantized_matrix& q) {
  const Eigen::MatrixXd w = q.dequantize().cast<double>();
  return w.cwiseAbs() + Eigen::MatrixXd::Constant(w.rows(), w.cols(), 2 * w.cwiseAbs().maxCoeff());
}

// By the definition, in double: activations are whole numbers up to 127, which have the scale 1, or 255 with a frozen
// zero point. Catches a step, tail, sample or zero point that is left out, twice or another's, in every shape.
TEST(amx, integer_products_are_those_of_whole_numbers) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const shape s = random_shape(random);
    const quantized_matrix q = random_weights(random, s);
    const packed_weights P(q);
    const bool frozen = round % 2 == 0;
    Eigen::MatrixXf x(s.cols, s.samples);
    for (index_t i = 0; i < x.size(); ++i) x(i) = static_cast<float>(static_cast<int>(random() % 255) - 127);
    for (index_t i = 0; i < x.cols(); ++i) x(0, i) = 127;
    product_options options{.precision = product_precision::integer, .activation_block = whole_sample};
    if (frozen) {
      options.activations = make_affine(8);
      options.frozen = parameters{1.0f, 127};
    }
    const Eigen::MatrixXd exact = q.dequantize().cast<double>() * x.cast<double>();
    const Eigen::MatrixXd bound =
        magnitudes(q) * x.cast<double>().cwiseAbs() * (static_cast<double>(s.cols + 8) * 0x1p-24);
    test::on_each_instruction_set([&] {
      Eigen::MatrixXf y(s.rows, s.samples);
      P.multiply(x, y, options);
      ASSERT_TRUE(((y.cast<double>() - exact).cwiseAbs().array() <= bound.array()).all())
          << name_of(simd::selected()) << " " << s.rows << " " << s.cols << " " << s.samples << " "
          << s.group;
    });
  }
}

// Catches weights or activations that are rounded to less than bfloat16, and what the test above catches.
TEST(amx, bfloat16_products_are_within_their_bound) {
  std::mt19937 random(8);
  for (int round = 0; round < 60; ++round) {
    const shape s = random_shape(random);
    const quantized_matrix q = random_weights(random, s);
    const packed_weights P(q);
    const Eigen::MatrixXf x = test::random_matrix(s.cols, s.samples, seed++);
    const Eigen::MatrixXd w = q.dequantize().cast<double>(), exact = w * x.cast<double>();
    const double rounding = 0x1p-7 + 0x1p-16, sums = static_cast<double>(s.cols + 8) * 0x1p-24;
    const Eigen::MatrixXd bound = w.cwiseAbs() * x.cast<double>().cwiseAbs() * rounding +
                                  magnitudes(q) * x.cast<double>().cwiseAbs() * sums;
    test::on_each_instruction_set([&] {
      Eigen::MatrixXf y(s.rows, s.samples);
      P.multiply(x, y, {.precision = product_precision::bfloat16});
      ASSERT_TRUE(((y.cast<double>() - exact).cwiseAbs().array() <= bound.array()).all())
          << name_of(simd::selected()) << " " << s.rows << " " << s.cols << " " << s.samples << " "
          << s.group;
    });
  }
}

// Catches NaN that spreads to the samples of the same tile, and one that is lost.
TEST(amx, nan_stays_in_its_sample) {
  const packed_weights P(quantize(test::random_matrix(33, 100, seed++), make_affine(4), per_group{32}));
  Eigen::MatrixXf x = test::random_matrix(100, 40, seed++);
  for (const auto precision : {product_precision::integer, product_precision::bfloat16})
    test::on_each_instruction_set([&] {
      Eigen::MatrixXf before(33, 40), after(33, 40);
      P.multiply(x, before, {.precision = precision});
      Eigen::MatrixXf with_nan = x;
      with_nan(77, 20) = std::numeric_limits<float>::quiet_NaN();
      P.multiply(with_nan, after, {.precision = precision});
      EXPECT_TRUE(after.col(20).array().isNaN().all());
      after.col(20) = before.col(20);
      EXPECT_EQ(after, before);
    });
}

// Catches steps of AMX that are not called, tiles that stay configured behind a product, and a sample whose
// products depend on the samples beside it.
TEST(amx, uses_tiles_and_releases_them) {
#if defined(__x86_64__) && defined(__linux__)
  if (!test::emulated_amx::possible()) GTEST_SKIP() << "needs AVX-512 BF16 and VBMI, without AMX";
  const packed_weights P(quantize(test::random_matrix(40, 300, seed++), make_symmetric(8), per_row{}));
  const Eigen::MatrixXf x = test::random_matrix(300, 40, seed++);
  const test::emulated_amx use;
  const auto multiply = [&](index_t samples, product_precision precision) {
    Eigen::MatrixXf y(40, samples);
    P.multiply(x.leftCols(samples), y, {.precision = precision, .threads = 1});
    EXPECT_FALSE(test::emulated_tiles::configured());
    return y;
  };
  long bytes = test::emulated_tiles::products_of_bytes, bfloat16 = test::emulated_tiles::products_of_bfloat16;
  const Eigen::MatrixXf all = multiply(40, product_precision::integer);
  // 40 samples in 3 tiles, 4 panels, 5 steps of 64 columns
  EXPECT_EQ(test::emulated_tiles::products_of_bytes - bytes, 3 * 4 * 5);
  EXPECT_EQ(multiply(17, product_precision::integer), all.leftCols(17));
  const Eigen::MatrixXf rounded = multiply(40, product_precision::bfloat16);
  // and 10 of 32
  EXPECT_EQ(test::emulated_tiles::products_of_bfloat16 - bfloat16, 3 * 4 * 10);
  EXPECT_EQ(multiply(17, product_precision::bfloat16), rounded.leftCols(17));
#endif
}

}  // namespace
