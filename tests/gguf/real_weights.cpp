#include <bitgauge/gguf/format/visit_format.hpp>
#include <bitgauge/gguf/rows/decode_row.hpp>
#include <bitgauge/gguf/rows/encode_row.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/io/tensor_file.hpp>

#include "gguf/reference_cases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;
using float_matrix = io::tensor_file::float_matrix;

bool has_reference(gguf::tensor_type type) {
  return gguf::visit_format(type, []<class Format>(Format) { return Format::has_reference; });
}

/// Importances of columns as activations of very different sizes would give them: mean squares of samples.
std::vector<float> importance_of(Eigen::Index columns) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> all(static_cast<std::size_t>(columns));
  for (float& weight : all) {
    const float size = std::exp(normal(random));
    for (int sample = 0; sample < 16; ++sample) {
      const float activation = size * normal(random);
      weight += activation * activation / 16;
    }
  }
  return all;
}

double error_of(gguf::tensor_type type, effort level, const float_matrix& rows,
                const std::vector<float>& importance) {
  const float* weights = importance.empty() ? nullptr : importance.data();
  double error = 0;
  for (Eigen::Index r = 0; r < rows.rows(); ++r) {
    const float* x = rows.row(r).data();
    std::vector<std::uint8_t> bytes(gguf::row_bytes(type, rows.cols()));
    gguf::encode_row(type, x, rows.cols(), weights, level, reinterpret_cast<std::byte*>(bytes.data()));
    error += gguf::best::weighted_error(x, test::decoded(type, bytes).data(), weights,
                                        static_cast<int>(rows.cols()));
  }
  return error;
}

// Catches a search that is tuned to Gaussian data and gives up on trained weights, which have outliers of up
// to 170 standard deviations and rows of hardly any energy: every type that ggml has an encoder for, with and
// without importance, on up to 32 rows spread over each tensor.
TEST(real_weights, best_has_less_error_than_the_reference) {
  const io::tensor_file file(BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors");
  int seen = 0;
  for (const auto& tensor : file.tensors()) {
    const float_matrix all = file.matrix(tensor);
    const Eigen::Index apart = std::max<Eigen::Index>(1, all.rows() / 32);
    const Eigen::Index count = std::min<Eigen::Index>(32, all.rows());
    float_matrix rows(count, all.cols());
    for (Eigen::Index r = 0; r < count; ++r) rows.row(r) = all.row(r * apart);
    for (const auto& traits : gguf::tensor_types) {
      if (traits.elements == 1 || !has_reference(traits.type)) continue;
      if (all.cols() % static_cast<Eigen::Index>(traits.elements) != 0) continue;
      for (const auto& importance : {std::vector<float>{}, importance_of(all.cols())}) {
        const double best = error_of(traits.type, effort::best, rows, importance);
        const double reference = error_of(traits.type, effort::reference, rows, importance);
        // without importance, ggml's scale of Q1_0, the mean magnitude, is the optimum
        const bool may_equal = traits.type == gguf::tensor_type::q1_0 && importance.empty();
        EXPECT_TRUE(best < reference || (may_equal && best == reference))
            << best << " of " << reference << " " << tensor.name << " " << traits.name
            << (importance.empty() ? "" : " with importance");
        ++seen;
      }
    }
  }
  EXPECT_GT(seen, 150);
}

}  // namespace
