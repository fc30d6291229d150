#include "llama_training.hpp"

#include <bitgauge/model/llama/load.hpp>
#include <bitgauge/model/perplexity.hpp>
#include <bitgauge/model/tensors/memory_source.hpp>

#include "model/llama/small_llama.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <span>
#include <vector>

namespace {

using namespace llama_training;

llama::model small_model() {
  const test::small_llama small;
  bg::memory_source tensors;
  for (const auto& [name, values] : small.tensors) tensors.add(name, values);
  return llama::load(tensors, small.sizes);
}

/// Adapters that have learned something beside every matrix, in turn beside floats and beside NF4.
void adapt_all(model& m, index_t layers) {
  for (index_t layer = 0; layer < layers; ++layer)
    for (std::size_t i = 0; i < std::size(llama::block_matrices); ++i) {
      const place p{layer, static_cast<matrix_of>(i)};
      const row_matrix& w = m.weights(p);
      bg::lora<float> adapter(w.rows(), w.cols(), {.rank = 2, .alpha = 4, .seed = i});
      adapter.B = 0.1f * test::normal_matrix(w.rows(), 2, static_cast<unsigned>(i));
      if (i % 2 == 0)
        m.adapted.emplace(p, float_lora{w, adapter});
      else
        m.adapted.emplace(p, bg::qlora<>(bg::quantize(w, bg::nf4{}, bg::per_block{16}), adapter));
    }
}

struct text {
  std::vector<llama::token> tokens;
  std::span<const llama::token> inputs() const { return std::span(tokens).first(tokens.size() - 1); }
  std::span<const llama::token> targets() const { return std::span(tokens).last(tokens.size() - 1); }
};
constexpr index_t context = 12;
const text two_windows{{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4, 3}};

// Catches a forward pass that is not the library's, windows that see each other, and adapters that are merged as
// other numbers than those that learned.
TEST(llama_training, loses_what_the_merged_model_loses) {
  const llama::model base = small_model();
  model m(base);
  adapt_all(m, base.settings().layers);
  const double loss = m.loss(two_windows.inputs(), two_windows.targets(), context, nullptr),
               expected = bg::perplexity(m.merged(), two_windows.tokens, {.context = context}).bits.mean;
  EXPECT_NEAR(loss / std::log(2.0), expected, 2e-5 * expected);
}

// Catches a gradient that is not that of the loss, on its way through softmax, norms, rotations, shared keys and
// values, the gate and either kind of layer: along each gradient g the loss rises by ||g|| a unit.
TEST(llama_training, gradients_agree_with_differences) {
  const llama::model base = small_model();
  model m(base);
  adapt_all(m, base.settings().layers);
  std::map<place, gradients> found;
  m.loss(two_windows.inputs(), two_windows.targets(), context, &found);
  ASSERT_EQ(found.size(), m.adapted.size());
  for (auto& [p, layer] : m.adapted) {
    auto& adapter = std::visit([](auto& l) -> bg::lora<float>& { return l.adapter; }, layer);
    for (const bool is_a : {true, false}) {
      Eigen::MatrixXf& parameter = is_a ? adapter.A : adapter.B;
      const Eigen::MatrixXf start = parameter, g = is_a ? found.at(p).A : found.at(p).B;
      const float length = g.norm(), step = 0.01f;  // of 0.02 curvature takes 0.6 % at the keys
      const auto loss_at = [&](float distance) {
        parameter = start + distance / length * g;
        return m.loss(two_windows.inputs(), two_windows.targets(), context, nullptr);
      };
      const double slope = (loss_at(step) - loss_at(-step)) / (2 * static_cast<double>(step));
      EXPECT_NEAR(slope, static_cast<double>(length), 5e-3 * static_cast<double>(length) + 1e-4)
          << "block " << p.first << ", matrix " << static_cast<int>(p.second) << (is_a ? ", A" : ", B");
      parameter = start;
    }
  }
}

}  // namespace
