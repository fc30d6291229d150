#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/packing/dense.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

static_assert(std::is_same_v<per_channel, per_row> && std::is_same_v<per_block, per_group>);
static_assert(granularity(per_group{32}) == granularity{granularity::kind::group, 32});
static_assert(sizeof(index_t) == 8);

/// The group of an element by the definition of each granularity.
index_t expected_group(granularity how, index_t cols, index_t row, index_t col) {
  switch (how.what) {
    case granularity::kind::tensor:
      return 0;
    case granularity::kind::row:
      return row;
    case granularity::kind::column:
      return col;
    default:
      return row * ((cols + how.size - 1) / how.size) + col / how.size;
  }
}

// Catches a ragged tail that joins the next row's first group, and groups larger than a row.
TEST(granularity, numbers_every_element) {
  for (index_t rows = 0; rows <= 4; ++rows)
    for (index_t cols = 0; cols <= 9; ++cols)
      for (const granularity how :
           {granularity(per_tensor{}), granularity(per_row{}), granularity(per_column{}),
            granularity(per_group{1}), granularity(per_group{3}), granularity(per_group{4}),
            granularity(per_group{9}), granularity(per_group{1000})}) {
        const grouping p(how, rows, cols);
        index_t groups = 0;
        for (index_t r = 0; r < rows; ++r)
          for (index_t c = 0; c < cols; ++c) {
            const index_t group = expected_group(how, cols, r, c);
            EXPECT_EQ(p.group_of(r, c), group);
            EXPECT_EQ(p.group_of_run(r, c / p.run()), group);
            groups = std::max(groups, group + 1);
          }
        EXPECT_EQ(p.count(), groups) << rows << " x " << cols;
        EXPECT_GE(p.run(), 1);
        EXPECT_EQ(p.runs_per_row(), (cols + p.run() - 1) / p.run());
      }
}

// Catches arithmetic in 32 bits: more than 2^31 elements, rows, columns and groups.
TEST(granularity, counts_beyond_32_bits) {
  constexpr index_t large = index_t{1} << 33;
  EXPECT_EQ(grouping(per_row{}, large, 3).count(), large);
  EXPECT_EQ(grouping(per_column{}, 3, large).count(), large);
  EXPECT_EQ(grouping(per_group{2}, 3, large).count(), 3 * large / 2);
  EXPECT_EQ(grouping(per_group{128}, 100'000, 100'000).group_of(99'999, 99'999), 100'000 * index_t{782} - 1);
  EXPECT_EQ(grouping(per_group{large}, 1, large + 1).count(), 2);
  EXPECT_EQ(packing::dense_bytes(large + 1, 3), large / 8 * 3 + 1);
  EXPECT_EQ(packing::dense_bytes(index_t{1} << 60, 8), index_t{1} << 60);
}

// Catches an empty group or an impossible shape that is accepted, by a type or by a plain value.
TEST(granularity, refuses_what_cannot_be) {
  EXPECT_EQ(test::message_of<invalid_scheme>([] {
              granularity how = per_group{0};
              static_cast<void>(how);
            }),
            "group: expected at least 1 element, found 0");
  EXPECT_EQ(test::message_of<invalid_scheme>([] {
              grouping({granularity::kind::group, -5}, 2, 2);
            }),
            "group: expected at least 1 element, found -5");
  EXPECT_EQ(test::message_of<shape_error>([] { grouping(per_row{}, -1, 4); }),
            "shape: expected rows and columns from 0 up and at most 2^60 elements, found -1 x 4");
  EXPECT_EQ(test::message_of<shape_error>([] { grouping(per_row{}, index_t{1} << 40, index_t{1} << 40); }),
            "shape: expected rows and columns from 0 up and at most 2^60 elements, found 1099511627776 x "
            "1099511627776");
}

}  // namespace
