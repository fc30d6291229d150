#pragma once

/// \file
/// The trellis of trellis-coded quantization: which integers may follow which.

#include <bitgauge/error.hpp>
#include <bitgauge/numeric/power.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace bitgauge {

/// Levels are the integers k without end. The state says the parity of the next k, its lowest bit, and bit 1 of k
/// drives the state that follows: half of the levels at every place, twice as far apart, and among all sequences that
/// are allowed one that lies closer to the data than rounding each number alone does (Ungerboeck, IEEE Trans.
/// Information Theory 28, 1982; Marcellin and Fischer, IEEE Trans. Communications 38, 1990; entropy-coded: Fischer and
/// Wang, IEEE Trans. Information Theory 38, 1992).
///
/// What is coded of k is symbol(state, k) = (k - parity) / 2, one distribution for each parity; its lowest bit is the
/// bit that drives the state. One state is no trellis: every k may follow every other, and the symbol is k itself.
class trellis_code {
 public:
  static constexpr int most_states = 256;

  /// The code of a number of states. Throws invalid_scheme unless it is 1 or a power of two from 4 to 256.
  explicit trellis_code(int states) : states_(states) {
    struct polynomials {
      int states, h0, h1;
    };
    constexpr std::array<polynomials, 7> all{{{4, 05, 02},
                                              {8, 013, 04},
                                              {16, 023, 04},
                                              {32, 045, 010},
                                              {64, 0103, 024},
                                              {128, 0235, 0126},
                                              {256, 0515, 0362}}};
    if (states == 1) return;
    for (const polynomials& p : all)
      if (p.states == states) {
        // z0 = r1; r_i' = r_(i+1) + h0_i z0 + h1_i z1 (mod 2), r_i being bit i - 1 of the state
        by_parity_ = p.h0 >> 1;
        by_symbol_ = p.h1 >> 1;
        return;
      }
    raise(invalid_scheme("trellis: states: expected 1, 4, 8, 16, 32, 64, 128 or 256, found " +
                         std::to_string(states)));
  }

  int states() const noexcept { return states_; }
  /// The distance between levels that a state allows: 2, or 1 without a trellis.
  int spacing() const noexcept { return states_ == 1 ? 1 : 2; }
  /// 0 or 1: k is even or odd.
  int parity(int state) const noexcept { return states_ == 1 ? 0 : state & 1; }
  /// What is coded of a level that `state` allows.
  std::int32_t symbol(int state, std::int32_t k) const noexcept {
    return states_ == 1 ? k : (k - (state & 1)) >> 1;
  }
  /// The level of a symbol.
  std::int32_t level(int state, std::int32_t symbol) const noexcept {
    return states_ == 1 ? symbol : 2 * symbol + (state & 1);
  }
  /// The state after `state` and a symbol, of which the lowest bit counts.
  int next(int state, std::int32_t symbol) const noexcept {
    return (state >> 1) ^ (-(state & 1) & by_parity_) ^ (-(symbol & 1) & by_symbol_);
  }
  /// Bits of the state that are flipped after an odd level, and after an odd symbol.
  int parity_bits() const noexcept { return by_parity_; }
  int symbol_bits() const noexcept { return by_symbol_; }

 private:
  int states_, by_parity_ = 0, by_symbol_ = 0;
};

/// The distance between the levels of a column, unit * 2^(exponent / 8): the same float everywhere.
inline float trellis_step(float unit, int exponent) noexcept {
  return static_cast<float>(static_cast<double>(unit) * numeric::portable_exp2(exponent / 8.0));
}

}  // namespace bitgauge
