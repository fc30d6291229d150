#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>

#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

// Catches an estimate that forgets scales, zero points, padding of rows or of the packed zero points.
TEST(memory, is_what_quantizing_stores) {
  for (const auto& [rows, cols] : {std::pair<index_t, index_t>{1, 1}, {3, 7}, {16, 64}, {5, 129}})
    for (const char* name : {"symmetric", "affine"})
      for (int bits = 1; bits <= 8; ++bits)
        for (const granularity groups : {granularity(per_tensor{}), granularity(per_row{}),
                                         granularity(per_column{}), granularity(per_group{32})})
          for (const scale_storage storage : {f32_scales, f16_scales}) {
            const scheme s{.grid = name, .bits = bits, .groups = groups, .scales = storage};
            const auto q = quantize(test::random_matrix(rows, cols, 1), s, options{.threads = 1});
            EXPECT_EQ(storage_bytes(s, rows, cols), q.storage_bytes())
                << to_text(s) << ", " << rows << " x " << cols;
            EXPECT_DOUBLE_EQ(q.bits_per_weight(),
                             8.0 * static_cast<double>(q.storage_bytes()) / static_cast<double>(rows * cols));
          }
}

// Catches bits per weight that leave out what a group stores: B + (16 + B) / 128 with a zero point.
TEST(memory, models) {
  const scheme w4{.grid = "symmetric", .bits = 4, .groups = per_group{32}, .scales = f16_scales};
  EXPECT_EQ(estimate_memory(70e9, w4).bits_per_weight, 4.5);
  EXPECT_EQ(estimate_memory(70e9, w4).gigabytes(), 39.375);
  const scheme affine4{.bits = 4, .groups = per_group{128}, .scales = f16_scales};
  EXPECT_EQ(estimate_memory(7e9, affine4).bits_per_weight, 4 + 20.0 / 128);
  EXPECT_EQ(estimate_memory(1e9, scheme{}, 1024).bits_per_weight, 8 + 40.0 / 1024);
  EXPECT_EQ(estimate_memory(1e9, scheme{.groups = per_tensor{}}).bits_per_weight, 8);
  EXPECT_EQ(estimate_memory(0, w4).bytes, 0);
  for (const double none : {-1.0, std::nan("")}) EXPECT_THROW(estimate_memory(none, w4), data_error);
}

}  // namespace
