#include <bitgauge/model/llama/attention/kv_cache.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;

/// Two heads of 4 elements; element 1 is large in every token, as channels of keys are.
class kv_cache_of_keys : public testing::TestWithParam<llama::kv_format> {
 protected:
  kv_cache_of_keys() {
    sizes.layers = 2;
    sizes.heads = sizes.key_heads = 2;
    sizes.head_size = 4;
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    keys = row_matrix(70, 8);
    for (index_t i = 0; i < keys.size(); ++i) keys.data()[i] = normal(random) + (i % 4 == 1 ? 40.0f : 0.0f);
  }
  /// Tokens come `portion` at a time; returns what the second layer reads of a head, tokens x elements.
  row_matrix kept(const llama::kv_options& o, index_t portion, index_t head) const {
    llama::kv_cache cache(sizes, 70, o);
    for (index_t first = 0; first < 70; first += portion) {
      const row_matrix some = keys.middleRows(first, std::min(portion, 70 - first));
      cache.append(0, row_matrix::Zero(some.rows(), 8), row_matrix::Zero(some.rows(), 8));
      cache.append(1, some, -some);
      cache.advance(some.rows());
    }
    std::vector<float> scratch;
    const auto view = cache.keys(1, head, 70, scratch);
    row_matrix found(70, 4);
    for (index_t t = 0; t < 70; ++t)
      for (index_t i = 0; i < 4; ++i) found(t, i) = view(i, t);
    return found;
  }

  llama::config sizes;
  row_matrix keys;
};

// Catches a scale over other tokens or elements than 32 of one channel, codes of another head, and a block that is
// not full and yet rounded: by the definition, half a step of what each channel spans at most.
TEST_P(kv_cache_of_keys, have_a_scale_for_each_channel_of_32_tokens) {
  for (const index_t portion : {70, 1, 45})
    for (const index_t head : {0, 1}) {
      const row_matrix found = kept({.format = GetParam(), .keys_per_channel = true}, portion, head);
      for (index_t first = 0; first < 64; first += 32)
        for (index_t i = 0; i < 4; ++i) {
          const Eigen::VectorXf x = keys.block(first, 4 * head + i, 32, 1);
          const float step = GetParam() == llama::kv_format::q8 ? x.cwiseAbs().maxCoeff() / 127
                                                                : (x.maxCoeff() - x.minCoeff()) / 15;
          const float rounded = 40 * 0x1p-11f;  // of scales and least values to binary16
          const Eigen::VectorXf error = (found.block(first, i, 32, 1) - x).cwiseAbs();
          EXPECT_LE(error.maxCoeff(), step / 2 + rounded) << first << " " << i;
          EXPECT_GT(error.maxCoeff(), step / 4) << first << " " << i;
        }
      EXPECT_EQ(found.bottomRows(6), keys.block(64, 4 * head, 6, 4));
    }
}

// Catches bytes that are not those of the codes, of 2 bytes a scale and least value, and of 32 tokens in floats.
TEST_P(kv_cache_of_keys, take_so_many_bytes) {
  const bool is_small = GetParam() == llama::kv_format::q4;
  const llama::kv_cache cache(sizes, 64, {.format = GetParam(), .keys_per_channel = true});
  const index_t channels = 8, of_keys = channels * (2 * (is_small ? 16 + 4 : 32 + 2) + 32 * 4);
  const index_t of_values = 64 * 2 * (is_small ? 2 + 4 : 4 + 2);
  EXPECT_EQ(cache.bytes(), 2 * (of_keys + of_values));
}

INSTANTIATE_TEST_SUITE_P(formats, kv_cache_of_keys,
                         testing::Values(llama::kv_format::q8, llama::kv_format::q4));

}  // namespace
