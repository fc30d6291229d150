#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/lookup.hpp>
#include <bitgauge/kernel/row_product.hpp>
#include <bitgauge/matrix/pruned/prune.hpp>
#include <bitgauge/matrix/pruned/pruned_matrix.hpp>
#include <bitgauge/matrix/rows/row_decodable.hpp>

#include "support/failure.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace bitgauge {
namespace {

static_assert(row_decodable<pruned_matrix>);

// Catches codes that are lost, stored twice or decoded with another weight's parameters: the values are those of the
// quantized matrix where they are not pruned, whatever the codes' width, sign, levels and groups.
TEST(pruned_matrix, is_the_quantized_matrix_under_its_mask) {
  const Eigen::MatrixXf w = test::normal_matrix(9, 77, 1), x = test::normal_matrix(77, 4, 2);
  const auto check = [&](const pruning_pattern& pattern, const auto&... answers) {
    const quantized_matrix all = quantize(w, answers...);
    const pruning_mask mask = wanda_mask(w, Eigen::VectorXf::Ones(77), pattern);
    const pruned_matrix q = pruned_matrix::of(all, mask);
    Eigen::MatrixXf expected = all.dequantize();
    mask.apply(expected);
    EXPECT_EQ(q.dequantize(), expected);
    std::vector<float> row(77);
    q.dequantize_row(5, row.data());
    EXPECT_EQ(Eigen::Map<Eigen::RowVectorXf>(row.data(), 77), expected.row(5));
    EXPECT_LE((q * x - expected * x).norm(), 1e-5f * (expected * x).norm());
    EXPECT_EQ(q, pruned_matrix::of(all, mask));
    const pruning_mask other = magnitude_mask(w.array().inverse(), pattern);
    EXPECT_EQ(q == pruned_matrix::of(all, other), mask == other);
  };
  check(n_of_m{2, 4}, affine<4>{}, per_group{32});
  check(unstructured{0.5}, affine<3>{}, per_row{});
  check(n_of_m{4, 8}, symmetric<8>{}, per_column{});
  check(unstructured{0.9}, affine<8>{}, per_tensor{});
  check(n_of_m{1, 3}, symmetric<1>{}, per_group{16});
  check(unstructured{0}, nf4{}, per_block{64}, double_quantized{16});
  check(unstructured{0.3}, symmetric<5>{}, f16_scales);
  check(n_of_m{2, 4}, lookup<3>{});
}

// Catches bytes that are not counted. By hand, of 16 x 64 weights in 2:4 and 4 bits: 3 bits for each 4, half a byte for
// each of the half that stays, and for each of two groups of 32 a row 4 bytes and half a byte of zero point.
TEST(pruned_matrix, counts_its_bits) {
  const Eigen::MatrixXf w = test::normal_matrix(16, 64, 1);
  const pruned_matrix q = prune_and_quantize(w, magnitude_mask(w, n_of_m{2, 4}), affine<4>{}, per_group{32});
  EXPECT_EQ(q.storage_bytes(), 16 * 64 / 4 * 3 / 8 + 16 * 32 / 2 + 16 * 2 * 4 + 16);
  EXPECT_DOUBLE_EQ(q.bits_per_weight(), 0.75 + 2 + 1 + 0.125);
  EXPECT_EQ(q.storage_bytes(), static_cast<index_t>(q.mask().bytes().size() + q.codes().size() +
                                                    q.scales().bytes().size() + q.zero_points().size()));
  EXPECT_EQ(q.codes_of_row(3).data(), q.codes().data() + 3 * 16);
  // each row of an unstructured one takes what it keeps, in whole bytes
  const pruning_mask some = magnitude_mask(w, unstructured{0.7});
  index_t codes = 0;
  for (index_t r = 0; r < 16; ++r)
    codes += ((64 - some.as_matrix<Eigen::MatrixXi>().row(r).sum()) * 3 + 7) / 8;
  EXPECT_EQ(pruned_matrix::of(quantize(w, affine<3>{}), some).storage_bytes(),
            16 * 8 + codes + 16 * 4 + 16 * 3 / 8);
  EXPECT_EQ(pruned_matrix().bits_per_weight(), 0);
}

// Catches shapes that are not looked at.
TEST(pruned_matrix, refuses_what_does_not_fit) {
  const Eigen::MatrixXf w = test::normal_matrix(4, 8, 1);
  const pruning_mask mask = magnitude_mask(w, n_of_m{2, 4});
  EXPECT_EQ(test::failure_of<shape_error>([&] { pruned_matrix::of(quantize(w.leftCols(7)), mask); }),
            "pruned matrix: expected a matrix of 4 x 8 as the mask, found 4 x 7");
  EXPECT_EQ(test::failure_of<shape_error>([&] { prune_and_quantize(w.leftCols(7), mask); }),
            "pruning mask: expected weights of 4 x 8, found 4 x 7");
  const pruned_matrix q = prune_and_quantize(w, mask);
  std::vector<float> row(8);
  EXPECT_EQ(test::failure_of<shape_error>([&] { q.dequantize_row(4, row.data()); }),
            "dequantize_row(4) of 4 rows");
  EXPECT_EQ(test::failure_of<shape_error>([&] { (void)q.codes_of_row(-1); }), "codes_of_row(-1) of 4 rows");
}

}  // namespace
}  // namespace bitgauge
