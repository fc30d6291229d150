#pragma once

/// \file
/// The bits of levels, as the search for paths looks them up.

#include <bitgauge/base/config.hpp>
#include <bitgauge/grid/trellis/symbol_model.hpp>
#include <bitgauge/grid/trellis/trellis_code.hpp>

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

  /// Knows all classes.
  symbol_costs(const trellis_code& code, int shape) : symbol_costs(unprepared(code, shape)) {
    prepare(symbol_model::least_class, symbol_model::most_class);
  }
  /// Knows none yet: see prepare().
  static symbol_costs unprepared(const trellis_code& code, int shape) { return {code, shape, 0.0f}; }

  /// Classes `least` to `most` are looked up from now on; it takes some hundred thousand powers to know them all.
  void prepare(int least, int most) {
    least = std::max(least, symbol_model::least_class);
    most = std::min(most, symbol_model::most_class);
    // beyond the ends classes are as the last
    least = std::min(least, symbol_model::most_class);
    most = std::max(most, symbol_model::least_class);
    for (int quarters = least; quarters <= most; ++quarters) {
      const auto at = static_cast<std::size_t>(quarters - symbol_model::least_class);
      if (is_there_[at]) continue;
      is_there_[at] = true;
      float* const zero = bits_.data() + begin(quarters) + most_level;
      for (int parity = 0; parity < code_.spacing(); ++parity) {
        const symbol_model model(shape_, quarters, parity, code_.spacing());
        for (std::int32_t k = -most_level + parity; k <= most_level; k += code_.spacing())
          zero[k] = static_cast<float>(model.bits(code_.symbol(parity, k)));
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
  symbol_costs(const trellis_code& code, int shape, float bits)
      : code_(code),
        shape_(shape),
        bits_(static_cast<std::size_t>(classes * width), bits),
        is_there_(classes) {}

  static constexpr std::ptrdiff_t width = 2 * most_level + 1;
  static std::ptrdiff_t begin(int quarters) noexcept {
    return (quarters - symbol_model::least_class) * width;
  }

  trellis_code code_;
  int shape_;
  std::vector<float> bits_;
  std::vector<bool> is_there_;  ///< of each class
};

}  // namespace bitgauge::detail
