#include <bitgauge/training/adapters/prilora.hpp>

#include "support/failure.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace bitgauge {
namespace test_of_prilora {

// Catches ranks that are not the line's, that shrink with depth, or that do not add up: for 1 to 100 layers.
TEST(prilora, ranks_keep_the_budget) {
  for (index_t layers = 1; layers <= 100; ++layers) {
    const std::vector<index_t> ranks = prilora_ranks(layers), odd = prilora_ranks(layers, 3, 8);
    ASSERT_EQ(static_cast<index_t>(ranks.size()), layers);
    EXPECT_EQ(std::accumulate(ranks.begin(), ranks.end(), index_t{0}), 8 * layers);
    EXPECT_EQ(std::accumulate(odd.begin(), odd.end(), index_t{0}), (11 * layers + 1) / 2);
    for (std::size_t l = 0; layers > 1 && l < ranks.size(); ++l) {
      const double ideal = 4 + 8 * static_cast<double>(l) / static_cast<double>(layers - 1);
      EXPECT_LT(std::fabs(static_cast<double>(ranks[l]) - ideal), 1);
      if (l > 0) {
        EXPECT_GE(ranks[l], ranks[l - 1]);
      }
    }
  }
  EXPECT_EQ(prilora_ranks(5), (std::vector<index_t>{4, 6, 8, 10, 12}));
}

// Catches an importance that is not the formula's, an average that forgets at another rate, pruning at another step or
// of another share, and a zero that cannot grow back.
TEST(prilora, prunes_the_least_important_half) {
  const Eigen::MatrixXf first = test::normal_matrix(6, 10, 1), second = test::normal_matrix(8, 10, 2);
  Eigen::MatrixXf a = test::normal_matrix(4, 10, 3);
  const Eigen::MatrixXf before = a;
  prilora_pruning pruning{.decay = 0.8, .every = 3};
  pruning.observe(first);
  pruning.observe(second);
  Eigen::MatrixXd expected(4, 10);
  for (index_t r = 0; r < 4; ++r)
    for (index_t c = 0; c < 10; ++c)
      expected(r, c) = std::fabs(static_cast<double>(a(r, c))) *
                       (0.8 * first.col(c).cast<double>().norm() + 0.2 * second.col(c).cast<double>().norm());
  EXPECT_LE((pruning.importance(a) - expected).norm(), 1e-12 * expected.norm());
  EXPECT_FALSE(pruning.step(a));
  EXPECT_FALSE(pruning.step(a));
  EXPECT_EQ(a, before);
  EXPECT_TRUE(pruning.step(a));
  for (index_t r = 0; r < 4; ++r) {
    EXPECT_EQ((a.row(r).array() == 0).count(), 5);
    for (index_t c = 0; c < 10; ++c)
      for (index_t d = 0; d < 10; ++d)
        if (a(r, c) == 0 && a(r, d) != 0) {
          EXPECT_LT(expected(r, c), expected(r, d));
        }
  }
  a = before * 2;
  EXPECT_FALSE(pruning.step(a));
  EXPECT_EQ(a, 2 * before);
}

// Catches a share that is not exact: of every width and of ties, the nearest whole number of each row, here by hand.
TEST(prilora, prunes_the_exact_share) {
  const auto check = [](double share, index_t cols, index_t pruned) {
    for (const bool ties : {false, true}) {
      Eigen::MatrixXd a = test::normal_matrix(3, cols, 1).cast<double>();
      if (ties) a.setConstant(2);
      prilora_pruning pruning{.share = share, .every = 1};
      pruning.observe(Eigen::MatrixXf::Ones(2, cols));
      EXPECT_TRUE(pruning.step(a));
      for (index_t r = 0; r < 3; ++r) EXPECT_EQ((a.row(r).array() == 0).count(), pruned);
      if (ties) {
        EXPECT_EQ(a.leftCols(pruned).cwiseAbs().sum(), 0);
      }
    }
  };
  check(0.5, 768, 384);
  check(0.5, 7, 4);
  check(0.3, 7, 2);
  check(0.25, 1, 0);
  check(1, 5, 5);
  check(0, 5, 0);
}

// Catches settings, shapes and numbers that are not looked at.
TEST(prilora, refuses_what_cannot_be) {
  Eigen::MatrixXf a = test::normal_matrix(2, 5, 1);
  prilora_pruning pruning;
  pruning.observe(test::normal_matrix(3, 4, 2));
  EXPECT_EQ(test::failure_of<shape_error>([&] { pruning.step(a); }),
            "prilora: A: expected 4 columns, one an input observed, found 5");
  EXPECT_EQ(test::failure_of<shape_error>([&] { pruning.observe(a); }),
            "prilora: expected 4 inputs, found 5");
  Eigen::MatrixXf bad = a.leftCols(4);
  bad(1, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::failure_of<data_error>([&] { pruning.step(bad); }),
            "prilora: A: row 1, column 2: expected a finite value, found NaN");
  EXPECT_EQ(test::failure_of<data_error>([&] { pruning.observe(bad); }),
            "prilora: inputs: row 1, column 2: expected a finite value, found NaN");
  EXPECT_EQ(test::failure_of<invalid_scheme>([] { prilora_ranks(3, 0, 12); }),
            "prilora: expected at least one layer and ranks from 1 up, found 3 of 0 to 12");
  EXPECT_NE(test::failure_of<invalid_scheme>([&] {
              prilora_pruning{.share = 1.5}.step(a);
            }).find("a share from 0 to 1"),
            std::string::npos);
  EXPECT_EQ(test::failure_of<invalid_scheme>([] { prilora_ranks(0); }),
            "prilora: expected at least one layer and ranks from 1 up, found 0 of 4 to 12");
}

}  // namespace test_of_prilora
}  // namespace bitgauge
