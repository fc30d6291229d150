#pragma once

/// \file
/// From logits to the logarithms of probabilities.

#include <bitgauge/base/config.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace bitgauge::detail {

/// log2 of the softmax of one row of logits, in double.
inline void log_probabilities(const float* logits, index_t size, std::vector<double>& out) {
  out.resize(static_cast<std::size_t>(size));
  const auto largest = static_cast<double>(*std::max_element(logits, logits + size));
  double sum = 0;
  for (index_t i = 0; i < size; ++i) sum += std::exp(static_cast<double>(logits[i]) - largest);
  const double total = std::log(sum);
  for (index_t i = 0; i < size; ++i)
    out[static_cast<std::size_t>(i)] = (static_cast<double>(logits[i]) - largest - total) / std::log(2.0);
}

/// KL(p || q) in bits, of two distributions given by their log2.
inline double divergence_of(const std::vector<double>& p, const std::vector<double>& q) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += std::exp2(p[i]) * (p[i] - q[i]);
  return sum;
}

}  // namespace bitgauge::detail
