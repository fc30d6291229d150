#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/given.hpp>

#include "support/codes.hpp"
#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

static_assert(range<given_parameters> && fitting_range<given_parameters> &&
              !interval_range<given_parameters>);

const Eigen::MatrixXf matrix = test::random_matrix(6, 10, 1);

/// The parameters of a quantized matrix, to be used again.
given_parameters parameters_of(const quantized_matrix& q) {
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  for (index_t g = 0; g < q.groups().count(); ++g) {
    scales.push_back(q.scale(g));
    zero_points.push_back(q.zero_point(g));
  }
  return given_parameters(scales, zero_points);
}

// Catches parameters that go to another group, or are fitted anew: quantizing the same matrix onto its own
// parameters, and its dequantized values too, must give its own bytes.
TEST(given, requantizing_reproduces_a_matrix) {
  for (const integer_grid& grid : test::all_integer_grids())
    for (const granularity groups : {granularity(per_tensor{}), granularity(per_row{}),
                                     granularity(per_column{}), granularity(per_group{4})})
      for (const scale_storage storage : {f32_scales, f16_scales}) {
        const auto q = quantize(matrix, grid, groups, storage);
        const auto given = parameters_of(q);
        EXPECT_EQ(quantize(matrix, grid, groups, storage, given), q);
        EXPECT_EQ(quantize(q.dequantize(), grid, groups, storage, given), q) << grid.width << " bits";
      }
}

// Catches a batch that is quantized with its own range instead of the given one.
TEST(given, applies_to_another_matrix) {
  const auto q = quantize(Eigen::RowVectorXf{{0, 1, 2, 300, -300}}, symmetric<8>{}, given_parameters({0.5f}));
  EXPECT_EQ(test::code_list(q), (std::vector<int>{0, 2, 4, 127, -127}));
  EXPECT_EQ(quantize(matrix, affine<8>{}, per_row{}, given_parameters({0.5f}, {7})).zero_point(5), 7);
}

// Catches parameters that cannot be kept but are accepted.
TEST(given, refuses_what_cannot_be_stored) {
  const auto failure = [](auto grid, const given_parameters& given) {
    return test::message_of<bitgauge_error>([&] { quantize(matrix, grid, given); });
  };
  EXPECT_EQ(failure(affine<8>{}, given_parameters({1, 1})), "given scales: group 2 has none of the 2");
  EXPECT_EQ(failure(affine<8>{}, given_parameters({1}, {0, 0, 0})),
            "given zero points: group 3 has none of the 3");
  EXPECT_EQ(failure(affine<4>{}, given_parameters({1}, {16})),
            "given zero point of group 0: expected 0 to 15, found 16");
  EXPECT_EQ(failure(symmetric<4>{}, given_parameters({1}, {1})),
            "given zero point of group 0: expected 0 to 0, found 1");
  EXPECT_EQ(failure(affine<8>{}, given_parameters({-1})),
            "given scale of group 0: expected a finite value from 0 up, found -1.000000");
  EXPECT_EQ(failure(affine<8>{}, given_parameters({std::numeric_limits<float>::infinity()})),
            "given scale of group 0: expected a finite value from 0 up, found inf");
  EXPECT_EQ(failure(symmetric<8>{{.unsigned_codes = true}}, given_parameters({1}, {128})), "no error");
  EXPECT_THROW(quantize(matrix, given_parameters(std::vector<float>{})), shape_error);
}

}  // namespace
