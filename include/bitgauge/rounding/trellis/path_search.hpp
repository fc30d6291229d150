#pragma once

/// \file
/// The path through a trellis of least squared error and bits.

#include <bitgauge/base/config.hpp>
#include <bitgauge/grid/trellis/trellis_code.hpp>
#include <bitgauge/rounding/trellis/symbol_costs.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bitgauge::detail {

/// Finds, for each of sixteen sequences side by side, the levels k_0, k_1, ... that the trellis allows from state 0 and
/// that minimise
///
///     sum_i (x_i - k_i)^2 + lambda * bits(k_i | parity)
///
/// with Viterbi's algorithm (IEEE Trans. Information Theory 13, 1967): of all paths to a state the best survives. Of
/// the levels of each quarter of the integers, k mod 4, the nearest to x and the next towards zero are candidates, which
/// no other level beats as long as bits grow with |k|.
///
/// Memory: rows * 16 * (4 levels + a bit a state). Cost: per number 8 looked up bits, then 2 sums and a choice a state.
/// Sums are floats in a fixed order, the same bits on every instruction set.
class path_search {
 public:
  static constexpr index_t lane_count = 16;

  path_search(const trellis_code& code, const symbol_costs& costs) : code_(code), costs_(&costs) {
    if (code.states() == 1) return;
    const auto states = static_cast<std::size_t>(code.states());
    before_.resize(states);
    std::vector<int> found(states);
    for (int s = 0; s < code.states(); ++s)
      for (int bit = 0; bit < 2; ++bit) {
        const auto next = static_cast<std::size_t>(code.next(s, bit));
        before_[next][static_cast<std::size_t>(found[next]++)] = {
            static_cast<std::int16_t>(s), static_cast<std::int16_t>(2 * bit + (s & 1))};
      }
  }

  /// Sixteen sequences: of lane l, rows [begin[l], rows).
  struct sequences {
    index_t rows = 0;
    std::array<index_t, lane_count> begin{};
    std::array<float, lane_count> lambda{};
    std::vector<float> values;          ///< rows x 16: x; any finite number where a lane has not begun
    std::vector<std::int32_t> zero_of;  ///< rows x 16: symbol_costs::zero_of(class)
    std::vector<std::int32_t> levels;   ///< rows x 16: the result

    void resize(index_t count) {
      rows = count;
      const auto size = static_cast<std::size_t>(count * lane_count);
      values.resize(size);
      zero_of.resize(size);
      levels.resize(size);
    }
  };

  void run(sequences& s) {
    if (code_.states() == 1)
      return simd::multiversion([&](auto width) __attribute__((always_inline)) { round_all(width, s); });
    const auto rows = static_cast<std::size_t>(s.rows);
    choices_.resize(rows * 4 * lane_count);
    decisions_.resize(rows * words() * lane_count);
    metrics_.resize(2 * static_cast<std::size_t>(code_.states()) * lane_count);
    simd::multiversion([&](auto width) __attribute__((always_inline)) { forward(width, s); });
    trace_back(s);
  }

 private:
  static constexpr int bits_a_word = 16;
  static constexpr float far = 1e30f;
  std::size_t words() const noexcept {
    return static_cast<std::size_t>((code_.states() + bits_a_word - 1) / bits_a_word);
  }

  /// The cheaper of `near` and the level `spacing` closer to zero.
  template <int Bytes>
  [[gnu::always_inline]] void choose(std::integral_constant<int, Bytes>, const simd::lanes<Bytes>& x,
                                     const simd::lanes<Bytes>& near, float spacing,
                                     const std::int32_t* zero_of, const simd::lanes<Bytes>& lambda,
                                     simd::lanes<Bytes>& cost, simd::lanes<Bytes>& level) const {
    using lanes = simd::lanes<Bytes>;
    const lanes nothing = lanes::all(0), apart = lanes::all(spacing);
    lanes inner = where_less(nothing, near, near - apart, near + apart);
    // one that is farther from zero costs more of both
    inner = where_less(inner * inner, near * near, inner, near);
    const lanes most = lanes::all(symbol_costs::most_level), least = lanes::all(-symbol_costs::most_level);
    std::array<float, lane_count> at_near, at_inner;
    greater(smaller(near, most), least).store(at_near.data());
    greater(smaller(inner, most), least).store(at_inner.data());
    const float* const bits = costs_->data();
    for (std::size_t l = 0; l < lane_count; ++l) {
      at_near[l] = bits[zero_of[l] + static_cast<std::int32_t>(at_near[l])];
      at_inner[l] = bits[zero_of[l] + static_cast<std::int32_t>(at_inner[l])];
    }
    const lanes d = x - near, e = x - inner;
    const lanes a = d * d + lambda * lanes::load(at_near.data());
    const lanes b = e * e + lambda * lanes::load(at_inner.data());
    cost = smaller(b, a);
    level = where_less(b, a, inner, near);
  }

  template <int Bytes>
  [[gnu::always_inline]] static simd::lanes<Bytes> limited(const float* values) {
    using lanes = simd::lanes<Bytes>;
    constexpr float most = 1 << 20;
    return greater(smaller(lanes::load(values), lanes::all(most)), lanes::all(-most));
  }

  template <int Bytes>
  [[gnu::always_inline]] void round_all(std::integral_constant<int, Bytes> width, sequences& s) const {
    using lanes = simd::lanes<Bytes>;
    const lanes lambda = lanes::load(s.lambda.data());
    for (index_t row = 0; row < s.rows; ++row) {
      const lanes x = limited<Bytes>(s.values.data() + row * lane_count);
      const std::int32_t* const zero_of = s.zero_of.data() + row * lane_count;
      lanes cost, level;
      choose(width, x, x.rounded(), 1, zero_of, lambda, cost, level);
      lanes next_cost, next;
      choose(width, x, level, 1, zero_of, lambda, next_cost, next);
      std::array<float, lane_count> out;
      next.store(out.data());
      for (std::size_t l = 0; l < lane_count; ++l)
        s.levels[static_cast<std::size_t>(row * lane_count) + l] = static_cast<std::int32_t>(out[l]);
    }
  }

  template <int Bytes>
  [[gnu::always_inline]] void forward(std::integral_constant<int, Bytes> width, const sequences& s) {
    using lanes = simd::lanes<Bytes>;
    const lanes lambda = lanes::load(s.lambda.data()), quarter = lanes::all(0.25f), four = lanes::all(4);
    const auto states = static_cast<std::size_t>(code_.states());
    float *now = metrics_.data(), *later = now + states * lane_count;
    std::fill(now, now + states * lane_count, 0.0f);
    for (index_t row = 0; row < s.rows; ++row) {
      for (std::size_t l = 0; l < lane_count; ++l)
        if (s.begin[l] == row)
          for (std::size_t state = 0; state < states; ++state)
            now[state * lane_count + l] = state == 0 ? 0 : far;
      const lanes x = limited<Bytes>(s.values.data() + row * lane_count);
      float branch[4][lane_count];
      for (int d = 0; d < 4; ++d) {
        const lanes offset = lanes::all(static_cast<float>(d));
        const lanes near = ((x - offset) * quarter).rounded() * four + offset;
        lanes cost, level;
        choose(width, x, near, 4, s.zero_of.data() + row * lane_count, lambda, cost, level);
        cost.store(branch[d]);
        level.store(choices_.data() + (row * 4 + d) * lane_count);
      }
      lanes best = lanes::all(far);
      for (std::size_t word = 0; word < words(); ++word) {
        lanes decided = lanes::all(0);
        float bit = 1;
        const std::size_t end = std::min(states, (word + 1) * bits_a_word);
        for (std::size_t state = word * bits_a_word; state < end; ++state, bit *= 2) {
          const auto& from = before_[state];
          const lanes a =
              lanes::load(now + from[0].state * lane_count) + lanes::load(branch[from[0].quarter]);
          const lanes b =
              lanes::load(now + from[1].state * lane_count) + lanes::load(branch[from[1].quarter]);
          const lanes survivor = smaller(b, a);
          decided += where_less(b, a, lanes::all(bit), lanes::all(0));
          best = smaller(survivor, best);
          survivor.store(later + state * lane_count);
        }
        decided.store(decisions_.data() + (static_cast<std::size_t>(row) * words() + word) * lane_count);
      }
      // what all paths have in common is taken away, so that floats suffice for any number of rows
      for (std::size_t state = 0; state < states; ++state)
        (lanes::load(later + state * lane_count) - best).store(later + state * lane_count);
      std::swap(now, later);
    }
    last_ = now;
  }

  void trace_back(sequences& s) const {
    std::array<std::size_t, lane_count> at{};
    for (std::size_t state = 1; state < before_.size(); ++state)
      for (std::size_t l = 0; l < lane_count; ++l)
        if (last_[state * lane_count + l] < last_[at[l] * lane_count + l]) at[l] = state;
    for (index_t row = s.rows; row-- > 0;)
      for (std::size_t l = 0; l < lane_count; ++l) {
        const std::size_t word = static_cast<std::size_t>(row) * words() + at[l] / bits_a_word;
        const auto decided = static_cast<std::uint32_t>(decisions_[word * lane_count + l]);
        const transition& from = before_[at[l]][decided >> (at[l] % bits_a_word) & 1];
        s.levels[static_cast<std::size_t>(row * lane_count) + l] = static_cast<std::int32_t>(
            choices_[static_cast<std::size_t>(row * 4 + from.quarter) * lane_count + l]);
        at[l] = static_cast<std::size_t>(from.state);
      }
  }

  struct transition {
    std::int16_t state, quarter;  ///< the state before, and k mod 4 on the way
  };

  trellis_code code_;
  const symbol_costs* costs_;
  std::vector<std::array<transition, 2>> before_;
  std::vector<float> choices_, decisions_, metrics_;
  const float* last_ = nullptr;
};

}  // namespace bitgauge::detail
