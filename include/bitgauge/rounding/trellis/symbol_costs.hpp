#pragma once

/// \file
/// The bits of levels, as the search for paths looks them up.

#include <bitgauge/base/config.hpp>
#include <bitgauge/grid/symbol_model.hpp>
#include <bitgauge/grid/trellis_code.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bitgauge::detail {

/// bits(k | parity of k) of every class, in one table. Levels beyond `most_level` cost as much as this.
class symbol_costs {
 public:
  static constexpr std::int32_t most_level = 4096;
  static constexpr int classes = symbol_model::most_class - symbol_model::least_class + 1;

  symbol_costs(const trellis_code& code, int shape)
      : shape_(shape), bits_(static_cast<std::size_t>(classes * width)) {
    for (int c = 0; c < classes; ++c) {
      float* const zero = bits_.data() + begin(c + symbol_model::least_class) + most_level;
      for (int parity = 0; parity < code.spacing(); ++parity) {
        const symbol_model model(shape, c + symbol_model::least_class, parity, code.spacing());
        for (std::int32_t k = -most_level + parity; k <= most_level; k += code.spacing())
          zero[k] = static_cast<float>(model.bits(code.symbol(parity, k)));
      }
    }
  }

  int shape() const noexcept { return shape_; }
  /// Where a class's level 0 stands in data().
  static std::int32_t zero_of(int quarters) noexcept {
    return static_cast<std::int32_t>(
               begin(std::clamp(quarters, symbol_model::least_class, symbol_model::most_class))) +
           most_level;
  }
  const float* data() const noexcept { return bits_.data(); }
  float bits(int quarters, std::int32_t k) const noexcept {
    return data()[zero_of(quarters) + std::clamp(k, -most_level, most_level)];
  }

 private:
  static constexpr std::ptrdiff_t width = 2 * most_level + 1;
  static std::ptrdiff_t begin(int quarters) noexcept {
    return (quarters - symbol_model::least_class) * width;
  }

  int shape_;
  std::vector<float> bits_;
};

}  // namespace bitgauge::detail
