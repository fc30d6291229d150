#pragma once

/// \file
/// The entries of a codebook nearest to the elements of sixteen groups, each under a scale of its own.

#include <bitgauge/gguf/format/codebook.hpp>
#include <bitgauge/gguf/search/sub_block_lanes.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::fast {

/// The entries of a codebook sorted by the levels of their first half, found at compile time. Quarters of entries are
/// numbered by their levels, the first lowest, and halves by their quarters.
template <const auto& Codebook>
struct codeword_lists {
  static constexpr auto levels = Codebook.levels.size();
  static constexpr auto entries = static_cast<std::size_t>(Codebook.entries);
  static constexpr auto dimension = static_cast<std::size_t>(Codebook.dimension);
  static constexpr std::size_t quarters = dimension == 8 ? levels * levels : levels;  ///< that there can be
  static constexpr std::size_t halves = quarters * quarters;
  static_assert((dimension == 8 || dimension == 4) && halves <= 256,
                "bitgauge: entries have eight elements of up to 4 levels, or four of up to 16");

  std::array<std::uint16_t, halves + 1> first{};  ///< where the entries of a first half begin
  std::array<std::uint8_t, entries> second{};     ///< their second halves
  std::array<std::uint16_t, entries> entry{};     ///< and what entries they are

  /// The number of half `h` of entry `e`.
  static constexpr std::size_t half(std::size_t e, std::size_t h) noexcept {
    std::size_t number = 0;
    for (std::size_t j = dimension / 2; j-- > 0;) {
      const auto element = static_cast<int>(h * dimension / 2 + j);
      number =
          number * levels + static_cast<std::size_t>(Codebook.level_number(static_cast<int>(e), element));
    }
    return number;
  }

  constexpr codeword_lists() noexcept {
    for (std::size_t e = 0; e < entries; ++e) ++first[half(e, 0) + 1];
    for (std::size_t h = 0; h < halves; ++h)
      first[h + 1] = static_cast<std::uint16_t>(first[h + 1] + first[h]);
    auto next = first;
    for (std::size_t e = 0; e < entries; ++e) {
      const std::size_t at = next[half(e, 0)]++;
      second[at] = static_cast<std::uint8_t>(half(e, 1));
      entry[at] = static_cast<std::uint16_t>(e);
    }
  }
};

template <const auto& Codebook>
inline constexpr codeword_lists<Codebook> codeword_lists_of{};

/// For each of sixteen groups the entry g of least sum w (x - scale (g + shift))^2, exactly: the cost of an entry is
/// the sum of those of its halves, of which there are few, and what may follow a first half is compared for sixteen
/// groups at once. Of entries that cost the same it is the same one on every machine.
/// Cost: the minimum of two vectors for every entry of the codebook.
template <const auto& Codebook>
class codeword_search {
  using lists = codeword_lists<Codebook>;
  static constexpr std::size_t dimension = lists::dimension, quarters = lists::quarters;

  alignas(64) std::array<std::array<sixteen, quarters>, 4> quarter_;  ///< the cost of each quarter
  alignas(64) std::array<sixteen, lists::halves> second_;             ///< and of each second half

 public:
  alignas(64) sixteen cost{};             ///< of the entries found
  std::array<std::uint16_t, 16> index{};  ///< the entries found

  /// `x` and `weight`: row j holds element j of each group.
  template <class Lanes>
  [[gnu::always_inline]] void run(const sixteen* x, const sixteen* weight, const sixteen& scale,
                                  const sixteen& shift) noexcept {
    tabulate<Lanes>(x, weight, scale, shift);
    const std::array<std::uint8_t, 16> halves = first_halves<Lanes>();
    const auto& all = codeword_lists_of<Codebook>;
    for (std::size_t g = 0; g < 16; ++g) {
      std::size_t at = all.first[halves[g]], found = at;
      const std::size_t end = all.first[halves[g] + std::size_t{1}];
      float least = HUGE_VALF;
      for (; at < end; ++at) {
        const float of_second = second_[all.second[at]][g];
        found = of_second < least ? at : found;
        least = of_second < least ? of_second : least;
      }
      index[g] = all.entry[found];
    }
  }

 private:
  template <class Lanes>
  [[gnu::always_inline]] void tabulate(const sixteen* x, const sixteen* weight, const sixteen& scale,
                                       const sixteen& shift) noexcept {
    const auto by = Lanes::load(scale.data()), shifted = Lanes::load(shift.data());
    std::array<Lanes, lists::levels> reach;
    for (std::size_t l = 0; l < lists::levels; ++l)
      reach[l] = by * (shifted + Lanes::all(static_cast<float>(Codebook.levels[l])));
    std::array<std::array<Lanes, lists::levels>, dimension / 4> of_level;
    for (std::size_t q = 0; q < 4; ++q) {
      for (std::size_t i = 0; i < dimension / 4; ++i) {
        const std::size_t j = q * (dimension / 4) + i;
        const auto value = Lanes::load(x[j].data()), w = Lanes::load(weight[j].data());
        for (std::size_t l = 0; l < lists::levels; ++l) {
          const auto difference = value - reach[l];
          of_level[i][l] = difference * difference * w;
        }
      }
      for (std::size_t k = 0; k < quarters; ++k) {
        auto sum = of_level[0][k % lists::levels];
        if constexpr (dimension == 8) sum += of_level[1][k / lists::levels];
        sum.store(quarter_[q][k].data());
      }
    }
    for (std::size_t half = 0; half < lists::halves; ++half)
      cost_of<Lanes>(half, 2).store(second_[half].data());
  }

  /// The first halves of the entries that cost least, whose costs go to `cost`.
  template <class Lanes>
  [[gnu::always_inline]] std::array<std::uint8_t, 16> first_halves() noexcept {
    const auto& all = codeword_lists_of<Codebook>;
    auto best = Lanes::all(HUGE_VALF), number = Lanes::all(0.0f);
    for (std::size_t half = 0; half < lists::halves; ++half) {
      std::size_t at = all.first[half];
      const std::size_t end = all.first[half + 1];
      if (at == end) continue;
      auto least = Lanes::load(second_[all.second[at]].data());
      while (++at < end) least = smaller(Lanes::load(second_[all.second[at]].data()), least);
      const auto total = cost_of<Lanes>(half, 0) + least;
      number = where_less(total, best, Lanes::all(static_cast<float>(half)), number);
      best = smaller(total, best);
    }
    best.store(cost.data());
    std::array<std::uint8_t, 16> found;
    number.to_bytes(found.data());
    return found;
  }

  /// The cost of a half, the quarters of which are quarter_[first] and the next.
  template <class Lanes>
  [[gnu::always_inline]] Lanes cost_of(std::size_t half, std::size_t first) const noexcept {
    return Lanes::load(quarter_[first][half % quarters].data()) +
           Lanes::load(quarter_[first + 1][half / quarters].data());
  }
};

}  // namespace bitgauge::gguf::fast
