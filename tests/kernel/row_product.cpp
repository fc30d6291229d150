#include <bitgauge/base/parallel.hpp>
#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/kernel/row_product.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>

#include "support/each_instruction_set.hpp"
#include "support/message_of.hpp"
#include "support/product_oracle.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <utility>
#include <vector>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

test::real_matrix real(const Eigen::MatrixXf& x) {
  return {x.cast<double>(), x.cast<double>().cwiseAbs()};
}

// Catches rows, columns and samples that are left out or met twice where shapes do not fill tiles, panels and
// pieces, whatever the instruction set: against sums in double of the dequantized weights.
TEST(row_product, is_within_its_bound) {
  parallel_for_hook() = [](index_t count, int, const std::function<void(index_t)>& body) {
    for (index_t i = 0; i < count; ++i) body(i);  // teams of threads would take longer than what they do
  };
  std::mt19937 random(1);
  const auto some = [&](index_t most) { return static_cast<index_t>(random()) % (most + 1); };
  for (int i = 0; i < 400; ++i) {
    const index_t rows = some(70), cols = some(i % 8 == 0 ? 700 : 70), samples = some(i % 16 == 0 ? 600 : 40);
    const auto w = test::random_matrix(rows, cols, static_cast<std::uint32_t>(random()));
    const char* const schemes[] = {"affine:bits=4,group=32", "symmetric:bits=8,group=column", "nf4:group=64",
                                   "symmetric:bits=1,group=tensor"};
    const auto q = quantize(w, parse_scheme(schemes[i % 4]));
    const auto x = test::random_matrix(cols, samples, static_cast<std::uint32_t>(random()));
    const test::real_matrix expected = test::product_of(real(q.dequantize()), real(x));
    test::on_each_instruction_set([&] {
      const Eigen::MatrixXf y = q * x;
      ASSERT_EQ(y.cols(), samples);
      ASSERT_EQ(y.rows(), rows);
      ASSERT_TRUE(test::is_near(y, expected, cols)) << schemes[i % 4] << " " << cols << " x " << samples;
    });
  }
  parallel_for_hook() = nullptr;
}

// Catches a result that is not a vector, inputs of other types, orders and strides, blocks and expressions, and
// outer products: the same numbers give the same bits.
TEST(row_product, takes_every_kind_of_input) {
  const auto q = quantize(test::random_matrix(37, 45, 3), affine<8>{});
  const Eigen::MatrixXf x = Eigen::MatrixXf::Random(45, 9).array().round();
  const Eigen::MatrixXf y = q * x;
  const Eigen::VectorXf of_one = q * x.col(2);
  EXPECT_EQ(of_one, y.col(2));
  EXPECT_EQ(q * (2 * x - x), y);
  EXPECT_EQ(q * x.cast<double>(), y);
  EXPECT_EQ(q * x.cast<int>().eval(), y);
  EXPECT_EQ(q * x.cast<Eigen::half>().eval(), y);
  EXPECT_EQ((q * Eigen::Matrix<float, 45, 9, Eigen::RowMajor>(x)), y);
  Eigen::MatrixXf wide(90, 20);
  wide.block(30, 5, 45, 9) = x;
  EXPECT_EQ(q * wide.block(30, 5, 45, 9), y);
  const auto column = quantize(Eigen::VectorXf(x.col(0)), affine<8>{});
  const Eigen::MatrixXf outer = column * Eigen::RowVectorXf{{1, -2}};
  EXPECT_EQ(outer.col(0), column.dequantize());
  EXPECT_EQ(outer.col(1), -2 * column.dequantize());
  EXPECT_EQ((quantize(Eigen::MatrixXf(0, 9)) * Eigen::VectorXf(9)).size(), 0);
  EXPECT_EQ(quantize(Eigen::MatrixXf(3, 0)) * Eigen::VectorXf(0), Eigen::VectorXf::Zero(3));
}

// Catches a sample that reaches another one, and sums whose order depends on the threads.
TEST(row_product, samples_do_not_touch_each_other) {
  const auto q = quantize(test::random_matrix(100, 300, 3), affine<4>{}, per_group{32});
  const Eigen::MatrixXf x = test::random_matrix(300, 20, 4);
  test::on_each_instruction_set([&] {
    const Eigen::MatrixXf y = q * x;
    Eigen::MatrixXf other = x;
    other(7, 3) = std::numeric_limits<float>::quiet_NaN();
    other.col(11) *= 1000;
    const Eigen::MatrixXf changed = q * other;
    EXPECT_TRUE(changed.col(3).array().isNaN().all());
    for (const index_t s : {0, 2, 4, 10, 12, 19}) EXPECT_EQ(changed.col(s), y.col(s));
    parallel_for_hook() = [](index_t count, int, const std::function<void(index_t)>& body) {
      for (index_t i = count; i-- > 0;) body(i);
    };
    EXPECT_EQ(q * x, y);
    parallel_for_hook() = nullptr;
  });
}

TEST(row_product, shapes_must_agree) {
  const auto q = quantize(Eigen::MatrixXf::Ones(6, 9), affine<8>{});
  EXPECT_EQ(test::message_of<shape_error>([&] { static_cast<void>(q * Eigen::VectorXf::Ones(6)); }),
            "product of 6 x 9 quantized weights: expected 9 rows of input, found 6");
  const auto column = quantize(Eigen::VectorXf::Ones(6).eval(), affine<8>{});
  EXPECT_EQ(test::message_of<shape_error>([&] { static_cast<void>(column * Eigen::VectorXf::Ones(6)); }),
            "product of 6 x 1 quantized weights: expected 1 rows of input, found 6");
}

// Catches a product of ggml blocks, or of floats in a file of ggml's, that is not that of their values.
TEST(row_product, multiplies_blocks_of_ggml) {
  const Eigen::MatrixXf weights = test::random_matrix(19, 64, 5), x = test::random_matrix(64, 14, 6);
  const auto w = quantize(weights, gguf::q8_0{});
  EXPECT_TRUE(test::is_near(w * x, test::product_of(real(w.dequantize()), real(x)), 64));
  std::vector<std::byte> bytes(static_cast<std::size_t>(weights.size()) * sizeof(float));
  const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_rows = weights;
  std::memcpy(bytes.data(), by_rows.data(), bytes.size());
  const gguf::block_matrix plain(gguf::tensor_type::f32, 19, 64, std::move(bytes));
  EXPECT_TRUE(test::is_near(plain * x, test::product_of(real(weights), real(x)), 64));
  EXPECT_EQ(test::message_of<bitgauge::shape_error>([&] { static_cast<void>(w * x.topRows(63)); }),
            "product of 19 x 64 quantized weights: expected 64 rows of input, found 63");
}

}  // namespace
