// Products of packed floats.

#include <bitgauge/kernel/packed_floats.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>

#include "support/each_instruction_set.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>

using namespace bitgauge;

namespace {

row_matrix numbers_of(index_t rows, index_t cols, int seed) {
  row_matrix m(rows, cols);
  for (index_t i = 0; i < m.size(); ++i)
    m.data()[i] = static_cast<float>(std::sin(static_cast<double>(i * i % 9973 + seed)));
  return m;
}

}  // namespace

// Catches sums in another order, products fused with sums on some processor, panels and tiles of samples that are not
// full: the sum by its definition, to the bit.
TEST(packed_floats, sum_in_the_order_of_the_inputs) {
  for (const auto& shape : {std::pair<index_t, index_t>{1, 1}, {33, 7}, {64, 40}, {70, 65}}) {
    const index_t out = shape.first, in = shape.second;
    const row_matrix w = numbers_of(out, in, 1);
    const packed_floats packed(w);
    EXPECT_EQ(packed.weights(), w);
    EXPECT_EQ(packed.bytes(), out * in * 4);
    for (const index_t samples : {1, 2, 12, 13, 200}) {
      const row_matrix x = numbers_of(samples, in, 5);
      row_matrix expected(samples, out);
      for (index_t s = 0; s < samples; ++s)
        for (index_t r = 0; r < out; ++r) {
          float sum = 0;
          for (index_t c = 0; c < in; ++c) {
            const volatile float product = w(r, c) * x(s, c);
            sum += product;
          }
          expected(s, r) = sum;
        }
      test::on_each_instruction_set(
          [&] { EXPECT_EQ(packed.multiply(x, 2), expected) << out << " x " << in << " by " << samples; });
    }
  }
}

// Catches a NaN that reaches the samples beside it, and empty shapes.
TEST(packed_floats, samples_do_not_meet) {
  const packed_floats packed(numbers_of(40, 9, 2));
  row_matrix x = numbers_of(30, 9, 3);
  const row_matrix clean = packed.multiply(x);
  x(17, 4) = std::numeric_limits<float>::quiet_NaN();
  const row_matrix found = packed.multiply(x);
  for (index_t s = 0; s < 30; ++s)
    for (index_t r = 0; r < 40; ++r)
      if (s == 17) {
        EXPECT_TRUE(std::isnan(found(s, r)));
      } else {
        EXPECT_EQ(found(s, r), clean(s, r));
      }
  EXPECT_EQ(packed.multiply(row_matrix(0, 9)).rows(), 0);
  EXPECT_EQ(packed_floats(row_matrix(0, 3)).multiply(numbers_of(2, 3, 1)).cols(), 0);
  EXPECT_EQ(packed_floats(row_matrix(2, 0)).multiply(row_matrix(3, 0)), row_matrix::Zero(3, 2));
}
