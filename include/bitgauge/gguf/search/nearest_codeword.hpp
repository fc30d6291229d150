#pragma once

/// \file
/// The entry of a codebook nearest to a few weighted elements, exactly.

#include <bitgauge/gguf/format/codebook.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// The entries of a codebook sorted by the levels of their first half, found at compile time.
template <const auto& Codebook>
struct codebook_order {
  static constexpr int half = Codebook.dimension / 2;
  static constexpr int half_bits = half * Codebook.level_bits;
  static constexpr std::size_t half_count = std::size_t{1} << half_bits;
  static constexpr std::size_t entries = static_cast<std::size_t>(Codebook.entries);

  static constexpr int levels = static_cast<int>(Codebook.levels.size());

  /// The halves that are numbers of levels: levels^half of them.
  static constexpr std::size_t valid_count = [] {
    std::size_t product = 1;
    for (int i = 0; i < half; ++i) product *= static_cast<std::size_t>(levels);
    return product;
  }();

  std::array<std::uint16_t, valid_count> valid{};
  std::array<std::uint16_t, half_count + 1> first{};  ///< where the entries of a first half begin
  std::array<std::uint16_t, entries> entry{};

  static constexpr std::size_t first_half(std::size_t e) noexcept {
    return Codebook.packed[e] & (half_count - 1);
  }
  static constexpr std::size_t second_half(std::size_t e) noexcept { return Codebook.packed[e] >> half_bits; }

  static constexpr std::size_t level_in(std::size_t packed, int element) noexcept {
    return packed >> (element * Codebook.level_bits) & ((1u << Codebook.level_bits) - 1u);
  }

  constexpr codebook_order() noexcept {
    std::size_t found = 0;
    for (std::size_t packed = 0; packed < half_count; ++packed) {
      bool is_valid = true;
      for (int i = 0; i < half; ++i)
        is_valid = is_valid && level_in(packed, i) < static_cast<std::size_t>(levels);
      if (is_valid) valid[found++] = static_cast<std::uint16_t>(packed);
    }
    for (std::size_t e = 0; e < entries; ++e) ++first[first_half(e) + 1];
    for (std::size_t h = 0; h < half_count; ++h) {
      first[h + 1] = static_cast<std::uint16_t>(first[h + 1] + first[h]);
    }
    auto next = first;
    for (std::size_t e = 0; e < entries; ++e) entry[next[first_half(e)]++] = static_cast<std::uint16_t>(e);
  }
};

template <const auto& Codebook>
inline constexpr codebook_order<Codebook> codebook_order_of{};

struct nearest_entry {
  std::uint16_t index = 0;
  double error = HUGE_VAL;
};

/// The entry g of least sum w (y - scale (g + shift))^2. The error of an entry is the sum of those of its
/// halves, which are few; first halves that cannot win whatever follows are passed over.
template <const auto& Codebook>
nearest_entry search_codebook(const double* y, const double* weight, double scale, int shift) noexcept {
#if defined(__GNUC__) && !defined(__clang__)
  // GCC 12 (-fipa-modref, -O3) takes this function for one that does not read all of `y`, and drops stores to
  // it
  asm volatile("" : : "r"(y), "r"(weight) : "memory");
#endif
  using order = codebook_order<Codebook>;
  constexpr int levels = static_cast<int>(Codebook.levels.size());
  constexpr auto dimension = static_cast<std::size_t>(Codebook.dimension);
  std::array<std::array<double, static_cast<std::size_t>(levels)>, dimension> of_level;
  for (std::size_t i = 0; i < dimension; ++i) {
    for (std::size_t l = 0; l < static_cast<std::size_t>(levels); ++l) {
      const double difference = y[i] - scale * (Codebook.levels[l] + shift);
      of_level[i][l] = product(weight[i], product(difference, difference));
    }
  }
  // Errors of every half, by its packed levels.
  std::array<std::array<double, order::half_count>, 2> of_half;
  double least_second = HUGE_VAL;
  const auto& sorted = codebook_order_of<Codebook>;
  for (int h = 0; h < 2; ++h) {
    for (const std::size_t packed : sorted.valid) {
      double sum = 0.0;
      for (int i = 0; i < order::half; ++i) {
        sum += of_level[static_cast<std::size_t>(h * order::half + i)][order::level_in(packed, i)];
      }
      of_half[static_cast<std::size_t>(h)][packed] = sum;
      if (h == 1) least_second = std::min(least_second, sum);
    }
  }
  nearest_entry best;
  for (const std::size_t packed : sorted.valid) {
    if (of_half[0][packed] + least_second >= best.error) continue;
    for (std::size_t at = sorted.first[packed]; at < sorted.first[packed + 1]; ++at) {
      const std::uint16_t e = sorted.entry[at];
      const double error = of_half[0][packed] + of_half[1][order::second_half(e)];
      if (error < best.error) best = {e, error};
    }
  }
  return best;
}

}  // namespace bitgauge::gguf::best
