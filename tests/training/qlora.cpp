#include <bitgauge/matrix/pruned/prune.hpp>
#include <bitgauge/matrix/pruned/pruned_matrix.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/training/adapters/qlora.hpp>

#include "support/failure.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bitgauge {
namespace test_of_qlora {

using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Weights that have no packed form: what a class of one's own has to offer.
struct own_weights {
  Eigen::MatrixXf values;

  index_t rows() const { return values.rows(); }
  index_t cols() const { return values.cols(); }
  index_t storage_bytes() const { return values.size(); }
  void dequantize_row(index_t row, float* out) const {
    for (index_t c = 0; c < cols(); ++c) out[c] = values(row, c);
  }
  Eigen::MatrixXf dequantize(int = 0) const { return values; }
};

template <class Found, class Expected>
void expect_near(const Found& found, const Expected& expected) {
  ASSERT_EQ(found.rows(), expected.rows());
  ASSERT_EQ(found.cols(), expected.cols());
  EXPECT_LE((found - expected).norm(), 1e-5f * expected.norm());
}

// Catches a product or a gradient that is not that of a LoRA beside the dequantized weights, of more rows than become
// floats together, with a dropout, of schemes whose products take different ways.
TEST(qlora, is_lora_on_the_dequantized_weights) {
  const Eigen::MatrixXf w = test::normal_matrix(300, 70, 1), x = test::correlated_inputs(9, 70, 0.5f, 2),
                        mask = dropout_mask(9, 70, 0.3, 4);
  const row_major dy = test::normal_matrix(9, 300, 3);
  const auto check = [&](const auto& frozen, const qlora_options& options) {
    qlora l(frozen, options);
    l.adapter.B = test::normal_matrix(300, options.rank, 5);
    const Eigen::MatrixXf weights = frozen.dequantize();
    for (const Eigen::MatrixXf* dropout : {static_cast<const Eigen::MatrixXf*>(nullptr), &mask}) {
      expect_near(l.forward(x, dropout), l.adapter.forward(x, weights, dropout));
      expect_near(l.forward(row_major(x), dropout), l.adapter.forward(x, weights, dropout));
      const auto g = l.backward(x, dy, dropout), expected = l.adapter.backward(x, weights, dy, dropout);
      EXPECT_EQ(g.A, expected.A);
      EXPECT_EQ(g.B, expected.B);
      expect_near(g.X, expected.X);
    }
    const Eigen::RowVectorXf one = x.row(3);
    expect_near(l.forward(one), l.adapter.forward(one, weights));
  };
  check(quantize(w, nf4{}, per_block{64}), {.rank = 16});
  check(quantize(w, affine<4>{}, per_group{32}), {.rank = 3, .packed = false});
  check(quantize(w, symmetric<8>{}, per_column{}), {.rank = 1, .alpha = 2});
  check(own_weights{w}, {.rank = 70});
  check(prune_and_quantize(w, magnitude_mask(w, n_of_m{2, 4}), affine<4>{}, per_group{32}), {.rank = 4});
}

// Catches bytes that are not counted. By hand, of 256 x 128 weights: 4 bits a code, a byte for each block of 64, for
// each 256 of these 4 bytes, 4 for their mean, 16 levels, and 4 bytes for each number of A and B.
TEST(qlora, takes_the_memory_that_is_estimated) {
  const qlora l(test::normal_matrix(256, 128, 1), {.rank = 8, .packed = false});
  constexpr index_t codes = 256 * 128 / 2, blocks = 256 * 128 / 64, scales = blocks + blocks / 256 * 4 + 4,
                    adapter = 8 * (256 + 128) * 4;
  EXPECT_EQ(l.bytes(), codes + scales + 16 * 4 + adapter);
  EXPECT_EQ(static_cast<index_t>(l.frozen().codes().size()), codes);
  EXPECT_EQ(l.adapter.bytes(), adapter);
  EXPECT_EQ(l.packed_bytes(), 0);
  const memory_estimate estimate = qlora_memory(parse_scheme("nf4:double=256"), 256, 128, 8);
  EXPECT_EQ(estimate.bytes, static_cast<double>(l.bytes()));
  EXPECT_DOUBLE_EQ(estimate.bits_per_weight, 8 * estimate.bytes / (256 * 128));
  EXPECT_GT(qlora(l.frozen(), {.rank = 8}).packed_bytes(), codes);
}

// Catches an adapter that is replaced by a new one, and one that does not learn: with a step down the gradient the
// outputs come nearer to their goal.
TEST(qlora, learns_beside_frozen_weights) {
  const Eigen::MatrixXf w = test::normal_matrix(12, 32, 1), x = test::normal_matrix(64, 32, 2),
                        goal = x * w.transpose();
  lora start(12, 32, {.rank = 4, .alpha = 4, .seed = 7});
  const Eigen::MatrixXf a = start.A;
  qlora l(quantize(w, symmetric<2>{}), start);
  EXPECT_EQ(l.adapter.A, a);
  const auto frozen = l.frozen();
  const float before = (l.forward(x) - goal).squaredNorm();
  for (int step = 0; step < 100; ++step) {
    const auto g = l.backward(x, (l.forward(x) - goal) / 64);
    l.adapter.A -= 0.1f * g.A;
    l.adapter.B -= 0.1f * g.B;
  }
  EXPECT_LT((l.forward(x) - goal).squaredNorm(), 0.6f * before);
  EXPECT_EQ(l.frozen(), frozen);
}

// Catches shapes, ranks and gradients that are not looked at.
TEST(qlora, refuses_what_does_not_fit) {
  const Eigen::MatrixXf w = test::normal_matrix(6, 8, 1), x = test::normal_matrix(3, 8, 2);
  Eigen::MatrixXf dy = test::normal_matrix(3, 6, 3);
  const qlora l(w, {.rank = 2});
  for (const index_t rank : {0, 7})
    EXPECT_EQ(test::failure_of<invalid_scheme>([&] { qlora(w, {.rank = rank}); }),
              "qlora: rank: expected 1 to 6 for 6 x 8 weights, found " + std::to_string(rank));
  for (const index_t rank : {0, 7})
    EXPECT_EQ(test::failure_of<invalid_scheme>([&] { qlora_memory(parse_scheme("nf4"), 6, 8, rank); }),
              "qlora_memory: rank: expected 1 to 6 for 6 x 8 weights, found " + std::to_string(rank));
  EXPECT_EQ(test::failure_of<shape_error>([&] { l.forward(dy); }),
            "qlora of 8 inputs and 6 outputs: expected samples as rows, found 3 x 6");
  EXPECT_EQ(test::failure_of<shape_error>([&] { qlora(l.frozen(), lora(6, 9, {.rank = 2})); }),
            "qlora: adapter: expected 6 x 8, found 6 x 9");
  EXPECT_EQ(test::failure_of<shape_error>([&] { l.backward(x, x); }),
            "lora: gradient: expected 3 x 6, found 3 x 8");
  EXPECT_EQ(test::failure_of<shape_error>([&] { qlora(Eigen::VectorXf(w.col(0)), {.rank = 1}); }),
            "qlora: expected a matrix, found a column vector");
  dy(0, 4) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(test::failure_of<data_error>([&] { l.backward(x, dy); }),
            "lora: gradient: row 0, column 4: expected a finite value, found infinity");
}

}  // namespace test_of_qlora
}  // namespace bitgauge
