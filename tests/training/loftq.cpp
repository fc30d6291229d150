#include <bitgauge/grid/codebook.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/training/adapters/loftq.hpp>

#include "support/eigen_vectors.hpp"
#include "support/failure.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace bitgauge {
namespace test_of_loftq {

using nlohmann::json;
using matrix = test::row_major<float>;

constexpr const char* topic = "training";

/// The reference's blocks go on from row to row.
struct flat_blocks {
  quantized_matrix codes;
  index_t rows = 0, cols = 0;

  Eigen::MatrixXf dequantize() const {
    const Eigen::RowVectorXf all = codes.dequantize<Eigen::RowVectorXf>();
    return Eigen::Map<const matrix>(all.data(), rows, cols);
  }
};

// Catches a factorization that is not the best one, an adapter whose scaling is not taken out, and rounds that start
// from the wrong rest.
TEST(loftq, is_the_reference) {
  for (const json& entry : test::cases_of(topic, "loftq")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const json &p = entry["params"], &out = entry["outputs"];
    const matrix w = test::load_matrix<float>(topic, entry["inputs"]["W"]),
                 table = test::load_matrix<float>(topic, out["table"]),
                 expected = test::load_matrix<float>(topic, out["dequant"]);
    const codebook_grid grid(std::span<const float>(table.data(), static_cast<std::size_t>(table.size())));
    const granularity blocks = per_block{p["block"]};
    const auto by_blocks = [&](const auto& x) {
      const matrix rows = x;
      return flat_blocks{quantize(rows.reshaped<Eigen::RowMajor>().transpose(), grid, blocks), x.rows(),
                         x.cols()};
    };
    const loftq_options options{
        .rank = p["rank"], .alpha = 5, .iterations = p["iterations"], .keep_last = true};
    const auto last = loftq_by(w, options, by_blocks);
    const double error = out["err"], alone = out["err_quant_only"];
    EXPECT_NEAR(last.quantization_error, alone, 1e-5 * alone);
    EXPECT_NEAR(last.errors.back(), error, 1e-3 * error);
    EXPECT_NEAR((w - last.frozen.dequantize() - last.adapter.delta()).norm(), last.errors.back(), 1e-5);
    const index_t other = ((last.frozen.dequantize() - expected).array().abs() > 1e-6f).count();
    EXPECT_LE(other, options.iterations == 1 ? 0 : w.size() / 200);
    // two bits and rank 16 get worse again behind the second or third iteration
    const auto best = loftq_by(w, {.rank = options.rank, .iterations = options.iterations}, by_blocks);
    EXPECT_LE(best.errors.back(), 1.001 * error);
    EXPECT_EQ(best.errors.back(), *std::min_element(best.errors.begin(), best.errors.end()));
  }
}

// Catches an iteration that is kept though it is worse, and a start that is no better than quantization alone.
TEST(loftq, never_gets_worse) {
  const Eigen::MatrixXf w = test::normal_matrix(48, 80, 1);
  for (const index_t rank : {1, 8}) {
    const auto start = loftq(w, {.rank = rank, .iterations = 6}, affine<2>{}, per_group{16});
    ASSERT_EQ(start.errors.size(), 6u);
    EXPECT_LT(start.errors.front(), start.quantization_error);
    for (std::size_t i = 1; i < 6; ++i) EXPECT_LE(start.errors[i], start.errors[i - 1]);
    EXPECT_NEAR((w - start.frozen.dequantize() - start.adapter.delta()).norm(), start.errors.back(), 1e-4);
  }
  EXPECT_EQ(loftq(w, {.rank = 2}).frozen.encoding().levels.size(), 16u);
}

// Catches a start that gains on made-up weights alone: of real ones, too, it is nearer than quantization, and never gets
// worse.
TEST(loftq, gains_on_real_weights) {
  const io::tensor_file file(BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors");
  for (const char* name : {"ppocr_rec.conv2d_117.w_0", "silero_vad.encoder.1.reparam_conv.weight",
                           "kjv_llama.layers.1.self_attn.q_proj.weight"}) {
    SCOPED_TRACE(name);
    const Eigen::MatrixXf w = file.matrix(*file.find(name));
    const auto start = loftq(w, {.rank = 8});
    const auto alone = quantize(w, nf4{}, per_block{64}, double_quantized{256}).dequantize();
    const double error = (w - start.frozen.dequantize() - start.adapter.delta()).cast<double>().norm();
    EXPECT_LT(error, 0.98 * static_cast<double>((w - alone).norm()));
    EXPECT_NEAR(error, start.errors.back(), 1e-5 * error);
    EXPECT_LT(start.errors.front(), start.quantization_error);
    for (std::size_t i = 1; i < start.errors.size(); ++i) EXPECT_LE(start.errors[i], start.errors[i - 1]);
  }
}

/// U diag(values) V^T with U and V reflections, by the definition of which its singular values are known.
Eigen::MatrixXf with_singular_values(index_t rows, index_t cols, const Eigen::VectorXd& values,
                                     unsigned seed) {
  Eigen::MatrixXd d = Eigen::MatrixXd::Zero(rows, cols);
  d.diagonal().head(values.size()) = values;
  const Eigen::VectorXd u = test::normal_matrix(rows, 1, seed).cast<double>().normalized(),
                        v = test::normal_matrix(cols, 1, seed + 1).cast<double>().normalized();
  d -= 2 * u * (u.transpose() * d);
  d -= 2 * (d * v) * v.transpose();
  return d.cast<float>();
}

// Catches an adapter that is not the best of its rank, either way the matrix stands and in a large one, which is
// projected first: what is left has the energy of the singular values that are left.
TEST(loftq, pissa_leaves_the_smaller_singular_values) {
  const Eigen::VectorXd few = Eigen::VectorXd::LinSpaced(20, 20, 1),
                        many = (Eigen::VectorXd::LinSpaced(530, 0, 529) * -0.2).array().exp() * 100;
  const auto check = [](index_t rows, index_t cols, const Eigen::VectorXd& values, index_t rank) {
    const Eigen::MatrixXf w = with_singular_values(rows, cols, values, 3);
    const pissa_start start = pissa(w, {.rank = rank, .alpha = 3});
    const double left = values.tail(values.size() - rank).norm();
    EXPECT_NEAR(static_cast<double>(start.residual.norm()), left, 1e-4 * left + 1e-5);
    EXPECT_LE((start.residual + start.adapter.delta() - w).norm(), 1e-6f * w.norm());
  };
  check(20, 33, few, 6);
  check(33, 20, few, 6);
  check(20, 33, few, 20);
  check(530, 540, many, 12);
}

// Catches settings and weights that are not looked at.
TEST(loftq, refuses_what_cannot_be) {
  Eigen::MatrixXf w = test::normal_matrix(8, 10, 1);
  for (const index_t rank : {0, 9})
    EXPECT_EQ(test::failure_of<invalid_scheme>([&] { loftq(w, {.rank = rank}); }),
              "loftq: rank: expected 1 to 8 for 8 x 10 weights, found " + std::to_string(rank));
  for (const index_t rank : {0, 9})
    EXPECT_EQ(test::failure_of<invalid_scheme>([&] { pissa(w, {.rank = rank}); }),
              "pissa: rank: expected 1 to 8 for 8 x 10 weights, found " + std::to_string(rank));
  EXPECT_EQ(test::failure_of<invalid_scheme>([&] { loftq(w, {.iterations = 0}); }),
            "loftq: iterations: expected at least 1, found 0");
  EXPECT_EQ(test::failure_of<invalid_scheme>([&] { pissa(w, {.alpha = -1}); }),
            "pissa: alpha: expected a positive number, found -1.000000");
  w(1, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::failure_of<data_error>([&] { pissa(w, {}); }),
            "pissa: weights: row 1, column 2: expected a finite value, found NaN");
  EXPECT_EQ(test::failure_of<data_error>([&] { loftq(w, {}); }),
            "loftq: weights: row 1, column 2: expected a finite value, found NaN");
}

}  // namespace test_of_loftq
}  // namespace bitgauge
