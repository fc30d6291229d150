#pragma once

/// \file
/// Which distribution codes given levels in the fewest bits?

#include <bitgauge/packing/entropy/fixed_point.hpp>
#include <bitgauge/packing/entropy/level_model.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge::packing::detail {

/// How often each level occurs.
struct level_counts {
  static constexpr int most = 2 * level_model::most_symbol;
  std::array<std::uint64_t, 2 * most + 1> within{};  ///< of level k at k + most
  std::uint64_t beyond = 0;                          ///< of larger magnitudes

  void add(std::int32_t k) noexcept {
    if (k < -most || k > most) {
      ++beyond;
    } else {
      ++within[static_cast<std::size_t>(k + most)];
    }
  }
  std::uint64_t operator[](int k) const noexcept { return within[static_cast<std::size_t>(k + most)]; }
};

/// Bits of a symbol that has `frequency` of 4096 slots, in units of 2^-12.
inline std::uint32_t bits_of_frequency(std::uint32_t frequency) {
  static const std::array<std::uint32_t, 4097> bits = [] {
    std::array<std::uint32_t, 4097> table{};
    for (std::uint32_t f = 1; f <= 4096; ++f) table[f] = (12u << 12) - logarithm(f);
    return table;
  }();
  return bits[frequency];
}

/// What levels and the distribution itself take, in units of 2^-12 bits.
inline std::uint64_t bits_of(const level_counts& counts, const level_model& m, bool is_trellis) {
  std::vector<std::uint8_t> description;
  m.write(description);
  std::uint64_t bits = description.size() << 15, escaped = counts.beyond;
  for (int parity = 0; parity < (is_trellis ? 2 : 1); ++parity) {
    const symbol_frequencies f = m.frequencies(is_trellis, parity);
    const symbol_range range(m, is_trellis, parity);
    for (int k = -level_counts::most; k <= level_counts::most; ++k) {
      if (counts[k] == 0 || (is_trellis && (k & 1) != parity)) continue;
      const int symbol = is_trellis ? k >> 1 : k;
      if (range.holds(symbol)) {
        bits += counts[k] * bits_of_frequency(f[static_cast<std::size_t>(symbol + 128)]);
      } else {
        escaped += counts[k];
      }
    }
  }
  constexpr std::uint64_t rest_of_escape = 9u << 12, never = std::uint64_t{1} << 62;
  if (escaped > 0 && m.escape == 0) return never;
  return escaped == 0
             ? bits
             : bits + escaped * (bits_of_frequency(static_cast<std::uint32_t>(m.escape)) + rest_of_escape);
}

/// The byte of level_model::weights nearest to a count.
inline std::uint8_t weight_byte(std::uint64_t count, std::uint64_t largest) {
  if (count == 0) return 0;
  const std::uint64_t scaled = std::max<std::uint64_t>((count << 19) / largest, 17);
  int exponent = static_cast<int>(std::bit_width(scaled)) - 5;
  std::uint64_t mantissa = exponent > 0 ? (scaled + (std::uint64_t{1} << exponent >> 1)) >> exponent : scaled;
  if (mantissa == 32) {
    mantissa = 16;
    ++exponent;
  }
  return static_cast<std::uint8_t>(exponent * 16 + static_cast<int>(mantissa - 16));
}

/// Searches shapes, ranges and parameters.
class model_fit {
 public:
  model_fit(const level_counts& counts, bool is_trellis) : counts_(counts), is_trellis_(is_trellis) {}

  level_model best() {
    const int most = level_model::most_range(is_trellis_);
    std::uint64_t total = counts_.beyond, beyond = counts_.beyond;
    for (const std::uint64_t n : counts_.within) total += n;
    if (total == 0) return best_;
    int high = level_counts::most;
    const auto shrink_to = [&](std::uint64_t most_beyond) {
      while (high > 0 && (high > most || beyond + counts_[high] + counts_[-high] <= most_beyond)) {
        beyond += counts_[high] + counts_[-high];
        --high;
      }
    };
    shrink_to(counts_.beyond);
    try_range(high, total, beyond);
    for (const std::uint64_t share : {16384u, 2048u, 256u}) {
      const int before = high;
      shrink_to(total / share);
      if (high != before) try_range(high, total, beyond);
    }
    return best_;
  }
  std::uint64_t bits() const noexcept { return least_; }

 private:
  bool consider(const level_model& m) {
    const std::uint64_t bits = bits_of(counts_, m, is_trellis_);
    if (bits >= least_) return false;
    least_ = bits;
    best_ = m;
    return true;
  }

  void try_range(int high, std::uint64_t total, std::uint64_t beyond) {
    level_model m;
    m.high = high;
    m.low = -high;
    if (beyond > 0)
      m.escape = static_cast<int>(std::clamp<std::uint64_t>((beyond * 1024 + total / 2) / total, 1, 255));
    for (const level_shape shape : {level_shape::gaussian, level_shape::laplace, level_shape::student1,
                                    level_shape::student3, level_shape::student7}) {
      m.shape = shape;
      scan(m);
    }
    std::uint64_t largest = 0;
    for (int k = -high; k <= high; ++k) largest = std::max(largest, counts_[k] + counts_[-k]);
    if (largest == 0) return;
    m.shape = level_shape::mirrored;
    m.parameter = 0;
    for (int k = 0; k <= high; ++k) m.weights.push_back(weight_byte(counts_[k] + counts_[-k], largest));
    consider(m);
    m.shape = level_shape::listed;
    m.weights.clear();
    while (m.low < 0 && counts_[m.low] == 0) ++m.low;
    while (m.high > 0 && counts_[m.high] == 0) --m.high;
    largest = *std::max_element(counts_.within.begin(), counts_.within.end());
    for (int k = m.low; k <= m.high; ++k) m.weights.push_back(weight_byte(counts_[k], largest));
    consider(m);
  }

  /// The best parameter of a shape: every 16th, then ever nearer to the best of these.
  void scan(level_model m) {
    std::uint64_t least = ~std::uint64_t{0};
    int best = 0;
    const auto look = [&](int parameter) {
      if (parameter < 0 || parameter > 255) return;
      m.parameter = parameter;
      const std::uint64_t bits = bits_of(counts_, m, is_trellis_);
      if (bits < least) {
        least = bits;
        best = parameter;
      }
    };
    for (int p = 8; p < 256; p += 16) look(p);
    for (const int step : {8, 4, 2, 1}) {
      const int center = best;
      look(center - step);
      look(center + step);
    }
    m.parameter = best;
    consider(m);
  }

  const level_counts& counts_;
  bool is_trellis_;
  level_model best_{};
  std::uint64_t least_ = ~std::uint64_t{0};
};

}  // namespace bitgauge::packing::detail
