#pragma once

/// \file
/// Rotary position embedding.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/config.hpp>

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace bitgauge::llama {

/// Turns pair i of each head at position p by the angle p / scale * base^(-2 i / size) / factor_i (Su et al.,
/// 2021), which makes the product of a query and a key depend on the distance between them.
class rope {
 public:
  explicit rope(const config& c) : c_(c) {
    for (index_t i = 0; i < c.rope_size / 2; ++i) {
      const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(c.rope_size);
      double frequency = std::pow(c.rope_base, exponent) / c.rope_scale;
      if (!c.rope_factors.empty())
        frequency /= static_cast<double>(c.rope_factors[static_cast<std::size_t>(i)]);
      frequencies_.push_back(frequency);
    }
  }

  /// Rows are tokens at the positions `first`, first + 1, ...; columns are heads one after the other.
  void apply(row_matrix& x, index_t first) const {
    std::vector<std::pair<float, float>> turns(frequencies_.size());
    for (index_t r = 0; r < x.rows(); ++r) {
      for (std::size_t i = 0; i < turns.size(); ++i) {
        const double angle = static_cast<double>(first + r) * frequencies_[i];
        turns[i] = {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
      }
      for (float* head = x.data() + r * x.cols(); head < x.data() + (r + 1) * x.cols(); head += c_.head_size)
        turn(head, turns);
    }
  }

 private:
  void turn(float* head, const std::vector<std::pair<float, float>>& turns) const {
    const bool neighbours = c_.rotated == rope_pairs::neighbours;
    const std::size_t step = neighbours ? 2 : 1, across = neighbours ? 1 : turns.size();
    for (std::size_t i = 0; i < turns.size(); ++i) {
      float &a = head[i * step], &b = head[i * step + across];
      const auto [cosine, sine] = turns[i];
      const float turned = a * cosine - b * sine;
      b = a * sine + b * cosine;
      a = turned;
    }
  }

  config c_;
  std::vector<double> frequencies_;
};

/// The factors of Llama 3's scaling: frequencies whose wave is longer than original / low are divided by
/// `factor`, those shorter than original / high are kept, and between the two it goes smoothly (Hugging Face's
/// rope_type llama3).
inline std::vector<float> llama3_rope_factors(index_t rope_size, double base, double factor, double low,
                                              double high, double original_context) {
  constexpr double turn = 6.283185307179586;
  std::vector<float> factors;
  for (index_t i = 0; i < rope_size / 2; ++i) {
    const double wave = turn * std::pow(base, 2.0 * static_cast<double>(i) / static_cast<double>(rope_size));
    const double smooth = (original_context / wave - low) / (high - low);
    if (wave < original_context / high) {
      factors.push_back(1);
    } else if (wave > original_context / low) {
      factors.push_back(static_cast<float>(factor));
    } else {
      factors.push_back(static_cast<float>(1 / ((1 - smooth) / factor + smooth)));
    }
  }
  return factors;
}

}  // namespace bitgauge::llama
