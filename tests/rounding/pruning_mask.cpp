#include <bitgauge/rounding/pruning_mask.hpp>

#include "support/failure.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge {
namespace {

using flags = std::vector<std::uint8_t>;
using bytes = std::vector<std::uint8_t>;

bytes bytes_of(const pruning_mask& m) {
  return {m.bytes().begin(), m.bytes().end()};
}

// Catches bits that lie elsewhere than documented. Ranks by hand: {c1 < c2} has C(c1, 1) + C(c2, 2); {1, 3}: 1 + 3;
// {0, 1}: 0; {2, 3}: 2 + 3; of the last three neighbours {0, 2}: 0 + 1.
TEST(pruning_mask, is_stored_as_documented) {
  const auto m =
      pruning_mask::from_flags(n_of_m{2, 4}, 1, 15, flags{0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 1});
  EXPECT_EQ(bytes_of(m), (bytes{4 | 0 << 3 | (5 & 3) << 6, 5 >> 2 | 1 << 1}));
  const auto u = pruning_mask::from_flags(unstructured{0.5}, 2, 9,
                                          flags{1, 0, 0, 1, 0, 0, 0, 0, 1,  //
                                                0, 0, 0, 0, 0, 0, 0, 1, 0});
  EXPECT_EQ(bytes_of(u), (bytes{0b1001, 1, 0b10000000, 0}));
}

// Catches a pattern that takes more bits than log2 of its sets, rounded up, or fewer than its sets need.
TEST(pruning_mask, takes_the_bits_of_its_pattern) {
  const auto bits = [](pruning_pattern p) {
    const index_t cols = 8 * p.field_weights();
    flags pruned(static_cast<std::size_t>(2 * cols));
    for (index_t i = 0; i < 2 * cols; ++i)
      pruned[static_cast<std::size_t>(i)] = i % p.field_weights() < p.pruned();
    return pruning_mask::from_flags(p, 2, cols, pruned).bits_per_weight();
  };
  EXPECT_EQ(bits(n_of_m{2, 4}), 3 / 4.0);
  EXPECT_EQ(bits(n_of_m{1, 4}), 2 / 4.0);
  EXPECT_EQ(bits(n_of_m{4, 8}), 7 / 8.0);
  EXPECT_EQ(bits(n_of_m{8, 16}), 14 / 16.0);   // 12870 sets
  EXPECT_EQ(bits(n_of_m{16, 32}), 30 / 32.0);  // 601080390 sets
  EXPECT_EQ(bits(n_of_m{32, 64}), 61 / 64.0);
  EXPECT_EQ(bits(n_of_m{1, 2}), 1 / 2.0);
  EXPECT_EQ(bits(unstructured{0.9}), 1);
}

// Catches two sets with one field, and a set that does not come back: all of them, for every pattern of up to 8.
TEST(pruning_mask, has_a_field_for_every_set) {
  for (index_t of = 2; of <= 8; ++of)
    for (index_t pruned = 1; pruned < of; ++pruned) {
      const pruning_pattern pattern = n_of_m{pruned, of};
      std::set<bytes> fields;
      index_t sets = 0;
      for (unsigned bits = 0; bits < 1u << of; ++bits) {
        if (std::popcount(bits) != pruned) continue;
        flags given(static_cast<std::size_t>(of)), found(given.size(), 7);
        for (index_t c = 0; c < of; ++c) given[static_cast<std::size_t>(c)] = bits >> c & 1u;
        const auto m = pruning_mask::from_flags(pattern, 1, of, given);
        m.read_row(0, found.data());
        ASSERT_EQ(found, given);
        EXPECT_EQ(m, pruning_mask(pattern, 1, of, bytes_of(m)));
        fields.insert(bytes_of(m));
        ++sets;
      }
      EXPECT_EQ(static_cast<index_t>(fields.size()), sets);
      EXPECT_EQ(pattern.field_bits(), static_cast<int>(std::ceil(std::log2(static_cast<double>(sets)))));
    }
}

// Catches rows, wide groups and a last group that run into each other.
TEST(pruning_mask, comes_back) {
  std::mt19937 engine(1);
  for (const pruning_pattern& pattern : {pruning_pattern(n_of_m{2, 4}), pruning_pattern(n_of_m{20, 64}),
                                         pruning_pattern(n_of_m{3, 5}), pruning_pattern(unstructured{0.3})}) {
    Eigen::MatrixXi pruned = Eigen::MatrixXi::Zero(5, 71);
    for (index_t r = 0; r < 5; ++r)
      for (index_t begin = 0; begin < 71; begin += pattern.field_weights()) {
        const index_t width = std::min(pattern.field_weights(), 71 - begin);
        for (index_t left = pattern.pruned_of(width); left > 0;) {
          int& flag = pruned(r, begin + static_cast<index_t>(engine() % static_cast<unsigned>(width)));
          left -= flag == 0;
          flag = 1;
        }
        if (pattern.is_unstructured()) pruned(r, begin) = engine() % 3 == 0;
      }
    const auto m = pruning_mask::from_matrix(pattern, pruned);
    EXPECT_EQ(m.as_matrix<Eigen::MatrixXi>(), pruned);
    EXPECT_EQ(m.pruned(), pruned.sum());
    EXPECT_EQ(m.is_pruned(3, 70), pruned(3, 70) != 0);
    Eigen::MatrixXf w = Eigen::MatrixXf::Constant(7, 71, 2);
    m.apply(w.middleRows(1, 5));
    EXPECT_EQ(w.middleRows(1, 5), (2 - 2 * pruned.array()).matrix().cast<float>());
    EXPECT_EQ(w.row(0).sum() + w.row(6).sum(), 4 * 71);
  }
  EXPECT_EQ(pruning_mask().bits_per_weight(), 0);
}

// Catches patterns, shapes, bytes and places that are not looked at.
TEST(pruning_mask, refuses_what_cannot_be) {
  for (const auto& [pruned, of] : {std::pair{0, 4}, {4, 4}, {1, 65}, {1, 1}})
    EXPECT_EQ(test::failure_of<invalid_scheme>([&, n = pruned, m = of] {
                pruning_pattern(n_of_m{n, m});
              }),
              "pruning: expected from 1 of 2 to 63 of 64 neighbours pruned, found " + std::to_string(pruned) +
                  " of " + std::to_string(of));
  for (const double share : {-0.5, 1.0, std::nan("")})
    EXPECT_NE(test::failure_of<invalid_scheme>([&] {
                pruning_pattern(unstructured{share});
              }).find("pruning: share: expected from 0 to below 1, found "),
              std::string::npos);
  EXPECT_EQ(test::failure_of<data_error>([] {
              pruning_mask::from_flags(n_of_m{2, 4}, 1, 8, flags{1, 1, 0, 0, 1, 0, 0, 0});
            }),
            "pruning mask: row 0, columns 4 to 7: expected 2 pruned weights, found 1");
  EXPECT_EQ(test::failure_of<shape_error>([] {
              pruning_mask::from_flags(n_of_m{2, 4}, 1, 8, flags{1, 1});
            }),
            "pruning mask: expected a flag for each of 8 weights, found 2");
  EXPECT_EQ(test::failure_of<data_error>([] {
              pruning_mask(n_of_m{2, 4}, 1, 4, {7});
            }),
            "pruning mask: row 0, group 0: expected a field below 6, found 7");
  EXPECT_EQ(test::failure_of<shape_error>([] {
              pruning_mask(n_of_m{2, 4}, 1, 4, {});
            }),
            "pruning mask: expected 1 bytes, found 0");
  EXPECT_EQ(test::failure_of<shape_error>([] { pruning_mask(unstructured{}, -1, 4, {}); }),
            "pruning mask: expected rows and columns from 0 up and at most 2^60 weights, found -1 x 4");
  const pruning_mask m(n_of_m{2, 4}, 1, 4, {5});
  EXPECT_EQ(test::failure_of<shape_error>([&] { (void)m.is_pruned(0, 4); }),
            "pruning mask: (0, 4) of a matrix of 1 x 4");
  EXPECT_EQ(test::failure_of<shape_error>([&] { m.apply(Eigen::MatrixXf(4, 1)); }),
            "pruning mask: expected weights of 1 x 4, found 4 x 1");
}

}  // namespace
}  // namespace bitgauge
