#pragma once

/// \file
/// One sub-block of a format with a vector codebook: its codes at a scale, and the scale that suits it.

#include <bitgauge/gguf/format/block_format.hpp>
#include <bitgauge/gguf/search/nearest_codeword.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <tuple>

namespace bitgauge::gguf::best {

/// The elements of a block with their weights, and what its sub-blocks become at given scales.
template <class Format>
class codebook_fit {
  using levels = typename Format::levels;
  static constexpr auto count = static_cast<std::size_t>(Format::sub_block);
  static constexpr auto dimension = static_cast<std::size_t>(levels::dimension);
  static constexpr bool is_shifted = requires { levels::shift_run; };
  static constexpr int greatest_level = levels::book.levels.back() + (is_shifted ? 1 : 0);

  std::array<double, static_cast<std::size_t>(Format::elements)> x_, weight_;
  double energy_ = 0.0;

 public:
  static constexpr std::size_t groups = count / dimension;
  static constexpr std::size_t runs = count / 8;  ///< each of a sign pattern
  /// Elements that share a stored sign pattern or shift.
  static constexpr std::size_t sign_run =
      static_cast<std::size_t>(Format::elements) / std::tuple_size_v<decltype(levels::codes::sign)>;

  /// The codes of a sub-block at some scale.
  struct sub_codes {
    std::array<std::uint16_t, groups> index{};
    std::array<std::uint8_t, runs> sign{};  ///< a pattern, or for IQ1 the shift, of each run of eight
    double error = HUGE_VAL;
    projection<double> sums{};
  };

  codebook_fit(const float* x, const float* importance) noexcept {
    for (std::size_t j = 0; j < x_.size(); ++j) {
      x_[j] = static_cast<double>(x[j]);
      weight_[j] = weight_of(importance, static_cast<int>(j));
      energy_ += product(weight_[j], product(x_[j], x_[j]));
    }
  }

  /// The error of zeros.
  double energy() const noexcept { return energy_; }

  /// The magnitude of all elements, or 0 where they differ.
  double one_magnitude() const noexcept {
    const double first = std::abs(x_[0]);
    const auto same = [&](double x) { return std::abs(x) == first; };
    return std::all_of(x_.begin(), x_.end(), same) ? first : 0.0;
  }

  /// The codes of sub-block s for `scale`.
  sub_codes fit(std::size_t s, double scale) const noexcept {
    sub_codes found;
    found.error = 0.0;
    if constexpr (!is_shifted) {
      for (std::size_t r = 0; r < runs; ++r) fit_signed_run(s, r, scale, found);
    } else if constexpr (sign_run == 8) {
      for (std::size_t r = 0; r < runs; ++r) {
        const nearest_entry up = search_run(s, r, scale, 1), down = search_run(s, r, scale, -1);
        found.sign[r] = down.error < up.error ? 1 : 0;
        found.index[r] = (down.error < up.error ? down : up).index;
      }
    } else {
      std::array<nearest_entry, runs> up, down;
      double of_up = 0.0, of_down = 0.0;
      for (std::size_t r = 0; r < runs; ++r) {
        up[r] = search_run(s, r, scale, 1);
        down[r] = search_run(s, r, scale, -1);
        of_up += up[r].error;
        of_down += down[r].error;
      }
      for (std::size_t r = 0; r < runs; ++r) {
        found.sign[r] = of_down < of_up ? 1 : 0;
        found.index[r] = (of_down < of_up ? down : up)[r].index;
      }
    }
    add_sums(s, scale, found);
    return found;
  }

  /// A scale of sub-block s with the least error that a few starts and least squares lead to.
  double best_scale(std::size_t s) const noexcept {
    double largest = 0.0;
    for (std::size_t j = 0; j < count; ++j) largest = std::max(largest, std::abs(x_[s * count + j]));
    double best = 0.0, least = HUGE_VAL;
    if (largest == 0.0) return 0.0;
    for (int start = 0; start < 8; ++start) {
      double scale = largest / greatest_level * ((11 + 2 * start) / 20.0);  // nothing to contract
      const sub_codes found = fit(s, static_cast<float>(scale));
      const double solved = found.sums.scale();
      if (!(solved > 0.0)) continue;
      const double error = found.error + found.sums.gain(static_cast<float>(scale)) - found.sums.gain(solved);
      if (error < least) {
        least = error;
        best = solved;
      }
    }
    return best;
  }

 private:
  nearest_entry search_run(std::size_t s, std::size_t r, double scale, int shift) const noexcept {
    const std::size_t at = s * count + 8 * r;
    return search_codebook<levels::book>(&x_[at], &weight_[at], scale, shift);
  }

  /// Signs and indices of eight elements. Where the number of minus signs must be even and is not, the signs
  /// of the elements that cost least to turn are turned, one at a time, and the best is kept.
  void fit_signed_run(std::size_t s, std::size_t r, double scale, sub_codes& found) const noexcept {
    const std::size_t at = s * count + 8 * r;
    std::array<double, 8> magnitude;
    unsigned pattern = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      magnitude[i] = std::abs(x_[at + i]);
      if (x_[at + i] < 0.0) pattern |= 1u << i;
    }
    std::array<nearest_entry, 8 / dimension> best;
    const auto search = [&](const std::array<double, 8>& y) {
      std::array<nearest_entry, 8 / dimension> entries;
      for (std::size_t g = 0; g < entries.size(); ++g) {
        entries[g] = search_codebook<levels::book>(&y[g * dimension], &weight_[at + g * dimension], scale, 0);
      }
      return entries;
    };
    const auto total = [](const auto& entries) {
      double sum = 0.0;
      for (const nearest_entry& entry : entries) sum += entry.error;
      return sum;
    };
    if (!levels::parity::is_even || std::popcount(pattern) % 2 == 0) {
      best = search(magnitude);
    } else {
      std::array<std::size_t, 8> order{0, 1, 2, 3, 4, 5, 6, 7};
      std::partial_sort(order.begin(), order.begin() + 2, order.end(), [&](std::size_t a, std::size_t b) {
        return weight_[at + a] * magnitude[a] < weight_[at + b] * magnitude[b];
      });
      double least = HUGE_VAL;
      unsigned turned = 0;
      for (std::size_t k = 0; k < 2; ++k) {
        auto y = magnitude;
        y[order[k]] = -y[order[k]];
        const auto entries = search(y);
        if (total(entries) < least) {
          least = total(entries);
          best = entries;
          turned = 1u << order[k];
        }
      }
      pattern ^= turned;
    }
    found.sign[r] = static_cast<std::uint8_t>(pattern);
    for (std::size_t g = 0; g < best.size(); ++g) found.index[r * best.size() + g] = best[g].index;
  }

  /// Level of element j of a sub-block.
  static int level_of(const sub_codes& found, std::size_t j) noexcept {
    const int level = codebook_vectors<levels::book>[found.index[j / dimension]][j % dimension];
    const std::uint8_t sign = found.sign[j / 8];
    if constexpr (is_shifted) {
      return sign != 0 ? level - 1 : level + 1;
    } else {
      return (sign >> (j % 8) & 1) != 0 ? -level : level;
    }
  }

  void add_sums(std::size_t s, double scale, sub_codes& found) const noexcept {
    double energy = 0.0;
    for (std::size_t j = 0; j < count; ++j) {
      const double level = level_of(found, j), x = x_[s * count + j];
      const double weighted_x = shortened(weight_[s * count + j] * x);
      found.sums.with_x += weighted_x * level;
      found.sums.squares += weight_[s * count + j] * level * level;
      energy += product(weighted_x, x);
    }
    found.error = energy - found.sums.gain(scale);
  }
};

}  // namespace bitgauge::gguf::best
