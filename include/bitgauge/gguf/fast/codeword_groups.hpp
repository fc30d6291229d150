#pragma once

/// \file
/// The elements of a block whose format has a vector codebook, and what they become at given scales.

#include <bitgauge/gguf/fast/codeword_search.hpp>
#include <bitgauge/gguf/fast/elements.hpp>
#include <bitgauge/gguf/format/block_format.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/simd/multiversion.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::fast {

/// Elements in groups that have an index each, sixteen groups side by side, in units of the block: powers of two, so
/// that squares and their sums are finite.
template <class Format>
class codeword_groups {
  using levels = typename Format::levels;
  using search = codeword_search<levels::book>;
  static constexpr bool is_shifted = requires { levels::shift_run; };
  static constexpr auto elements = static_cast<std::size_t>(Format::elements);
  static constexpr auto dimension = static_cast<std::size_t>(levels::dimension);
  static constexpr std::size_t groups = elements / dimension, batches = groups / 16;
  static_assert(groups % 16 == 0);

 public:
  static constexpr auto sub_blocks = static_cast<std::size_t>(Format::sub_blocks);
  using scales = std::array<float, sub_blocks>;

  /// The codes of all elements, and the sums over the levels that each sub-block has by them.
  struct choice {
    typename levels::codes codes;
    std::array<projection<float>, sub_blocks> sums;
  };

  scales greatest{};  ///< the largest magnitudes of the sub-blocks
  float unit = 1.0f;  ///< in which elements and scales are counted

  codeword_groups(const float* x, const float* importance) noexcept {
    std::array<float, elements> value, weight;
    float magnitude = 0.0f, heaviest = 0.0f;
    for (std::size_t j = 0; j < elements; ++j) {
      magnitude = std::max(magnitude, std::abs(x[j]));
      weight[j] = importance == nullptr ? 1.0f : importance[j];
      heaviest = std::max(heaviest, weight[j]);
    }
    unit = power_of_two_below(magnitude);
    const float shrink = 1.0f / unit, lighten = 1.0f / power_of_two_below(heaviest);
    for (std::size_t j = 0; j < elements; ++j) {
      value[j] = x[j] * shrink;
      weight[j] *= lighten;
      float& most = greatest[j * sub_blocks / elements];
      most = std::max(most, std::abs(value[j]));
    }
    if constexpr (!is_shifted) {
      for (std::size_t r = 0; r < sign_.size(); ++r) sign_[r] = take_signs(&value[8 * r], &weight[8 * r]);
    }
    for (std::size_t b = 0; b < batches; ++b) {
      const std::size_t first = b * 16 * dimension;
      turn(&value[first], x_[b]);
      turn(&weight[first], weight_[b]);
    }
  }

  /// The nearest codes for a scale of each sub-block. Shifts are chosen anew, or remain those of `found`.
  template <class Lanes>
  [[gnu::always_inline]] void choose(const scales& scale, bool choose_shifts, choice& found) noexcept {
    simd::out_of_line<Lanes::vector_bytes>([&](auto) __attribute__((always_inline)) {
      choose_here<Lanes>(scale, choose_shifts, found);
    });
  }

 private:
  template <class Lanes>
  [[gnu::always_inline]] void choose_here(const scales& scale, bool choose_shifts, choice& found) noexcept {
    found.sums.fill({});
    if constexpr (!is_shifted) found.codes.sign = sign_;
    for (std::size_t b = 0; b < batches; ++b) {
      sixteen by, shift{};
      for (std::size_t g = 0; g < 16; ++g) by[g] = scale[(16 * b + g) * sub_blocks / groups];
      if constexpr (is_shifted) {
        if (choose_shifts) {
          choose_shifted<Lanes>(b, by, found);
          continue;
        }
        for (std::size_t g = 0; g < 16; ++g)
          shift[g] = found.codes.sign[(16 * b + g) / shift_run] != 0 ? -1.0f : 1.0f;
      }
      find<Lanes>(b, by, shift);
      add<Lanes>(b, search_.index, shift, found);
    }
  }

  /// Groups that share a shift.
  static constexpr std::size_t shift_run = [] {
    if constexpr (is_shifted) return static_cast<std::size_t>(levels::shift_run) / dimension;
    return std::size_t{1};
  }();

  /// Makes eight elements magnitudes and returns which were negative. Where the number of minus signs must be even and
  /// is not, the element that costs least to turn has the wrong one, and becomes negative.
  static std::uint8_t take_signs(float* x, const float* weight) noexcept {
    unsigned pattern = 0;
    std::size_t cheapest = 0;
    float least = HUGE_VALF;
    for (std::size_t i = 0; i < 8; ++i) {
      if (x[i] < 0.0f) pattern |= 1u << i;
      x[i] = std::abs(x[i]);
      const float cost = weight[i] * x[i];
      cheapest = cost < least ? i : cheapest;
      least = cost < least ? cost : least;
    }
    if (levels::parity::is_even && std::popcount(pattern) % 2 != 0) {
      pattern ^= 1u << cheapest;
      x[cheapest] = -x[cheapest];
    }
    return static_cast<std::uint8_t>(pattern);
  }

  static void turn(const float* from, std::array<sixteen, dimension>& to) noexcept {
    simd::transpose(from, dimension, dimension, 16, to[0].data(), 16, false);
  }

  /// Searches for sixteen groups, in a function of its own where that is called from several places.
  template <class Lanes>
  [[gnu::always_inline]] void find(std::size_t b, const sixteen& scale, const sixteen& shift) noexcept {
    const auto run = [&](auto) __attribute__((always_inline)) {
      search_.template run<Lanes>(x_[b].data(), weight_[b].data(), scale, shift);
    };
    if constexpr (is_shifted) return simd::out_of_line<Lanes::vector_bytes>(run);
    run(0);
  }

  /// The codes of sixteen groups, the shift up or down, whichever costs less.
  template <class Lanes>
  [[gnu::always_inline]] void choose_shifted(std::size_t b, const sixteen& scale, choice& found) noexcept {
    std::array<sixteen, 2> cost;
    std::array<std::array<std::uint16_t, 16>, 2> index;
    for (std::size_t down = 0; down < 2; ++down) {
      sixteen shift;
      shift.fill(down == 0 ? 1.0f : -1.0f);
      find<Lanes>(b, scale, shift);
      cost[down] = search_.cost;
      index[down] = search_.index;
    }
    sixteen shift;
    for (std::size_t first = 0; first < 16; first += shift_run) {
      std::array<float, 2> sum{};
      for (std::size_t g = first; g < first + shift_run; ++g) {
        for (std::size_t down = 0; down < 2; ++down) sum[down] += cost[down][g];
      }
      const bool is_down = sum[1] < sum[0];
      found.codes.sign[(16 * b + first) / shift_run] = is_down ? 1 : 0;
      for (std::size_t g = first; g < first + shift_run; ++g) {
        shift[g] = is_down ? -1.0f : 1.0f;
        if (is_down) index[0][g] = index[1][g];
      }
    }
    add<Lanes>(b, index[0], shift, found);
  }

  /// Takes these codes of sixteen groups, and adds to the sums.
  template <class Lanes>
  [[gnu::always_inline]] void add(std::size_t b, const std::array<std::uint16_t, 16>& index,
                                  const sixteen& shift, choice& found) noexcept {
    std::copy(index.begin(), index.end(), &found.codes.index[16 * b]);
    alignas(64) std::array<std::array<std::int8_t, 16>, dimension> level;
    for (std::size_t g = 0; g < 16; ++g) {
      const auto& vector = codebook_vectors<levels::book>[index[g]];
      for (std::size_t j = 0; j < dimension; ++j) level[j][g] = vector[j];
    }
    const auto shifted = Lanes::load(shift.data());
    auto with_x = Lanes::all(0.0f), squares = with_x;
    for (std::size_t j = 0; j < dimension; ++j) {
      const auto value = Lanes::from_bytes(level[j].data(), 0) + shifted;
      const auto weighted = Lanes::load(weight_[b][j].data()) * value;
      with_x += weighted * Lanes::load(x_[b][j].data());
      squares += weighted * value;
    }
    sixteen of_x, of_squares;
    with_x.store(of_x.data());
    squares.store(of_squares.data());
    for (std::size_t g = 0; g < 16; ++g) {
      projection<float>& sums = found.sums[(16 * b + g) * sub_blocks / groups];
      sums.with_x += of_x[g];
      sums.squares += of_squares[g];
    }
  }

  alignas(64) std::array<std::array<sixteen, dimension>, batches> x_, weight_;
  std::array<std::uint8_t, elements / 8> sign_{};
  search search_;
};

}  // namespace bitgauge::gguf::fast
