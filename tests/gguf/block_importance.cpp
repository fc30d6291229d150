#include <bitgauge/gguf/block_importance.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace {

using namespace bitgauge;

// Catches blocks counted by their first weight, by their sum's rounding, or a short last block left out.
TEST(block_importance, counts_the_blocks_without_any) {
  std::vector<float> weights(100, 0.0f);
  EXPECT_EQ(gguf::blocks_without_importance(weights, 32), 4);
  weights[31] = 1e-40f;
  EXPECT_EQ(gguf::blocks_without_importance(weights, 32), 3);
  weights[99] = 1.0f;
  EXPECT_EQ(gguf::blocks_without_importance(weights, 32), 2);
  EXPECT_EQ(gguf::blocks_without_importance(weights, 256), 0);
  EXPECT_EQ(gguf::blocks_without_importance({}, 32), 0);
}

}  // namespace
