#pragma once

/// \file
/// The optimal codes of MXFP4 and NVFP4: every scale code that could be best is tried.

#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/gguf/search/level_fit.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// The code of a doubled E2M1 level.
constexpr std::uint8_t e2m1_code(std::int8_t level) noexcept {
  constexpr std::array<std::uint8_t, 13> magnitudes{0, 1, 2, 3, 4, 0, 5, 0, 6, 0, 0, 0, 7};
  const std::uint8_t code = magnitudes[static_cast<std::size_t>(level < 0 ? -level : level)];
  return static_cast<std::uint8_t>(level < 0 ? code | 8u : code);
}

/// Formats with a scale of one byte a sub-block. The codes 1..last are tried upward from the least one under
/// which no element is clipped at a cost above the best error, until the elements that become zero cost more
/// than that.
template <class Format, int LastCode>
[[gnu::always_inline]] inline void encode_byte_scales(const float* x, const float* importance,
                                                      block_codes<Format>& codes) noexcept {
  constexpr int count = Format::sub_block;
  using storage = typename Format::scale;
  for (int s = 0; s < Format::sub_blocks; ++s) {
    const int first = s * count;
    const weighted_elements<count> block(x + first, importance == nullptr ? nullptr : importance + first);
    int best = 0;
    double best_gain = 0.0;
    const auto consider = [&](int from) __attribute__((always_inline)) {
      trial_batch batch;
      for (int lane = 0; lane < 8; ++lane) {
        const auto code = static_cast<std::uint8_t>(std::clamp(from + lane, 1, LastCode));
        batch.scale[static_cast<std::size_t>(lane)] = storage::code_value(code);
      }
      fit_batch<e2m1_level_set>(block, batch);
      for (int lane = 0; lane < 8; ++lane) {
        const double gain = batch.gain[static_cast<std::size_t>(lane)];
        if (gain > best_gain) {
          best_gain = gain;
          best = std::clamp(from + lane, 1, LastCode);
        }
      }
    };
    // The least scale that clips nothing bounds the error, and that the search from below.
    int start = 1;
    for (int step = 128; step > 0; step /= 2) {
      if (start + step <= LastCode &&
          12.0f * storage::code_value(static_cast<std::uint8_t>(start + step)) < block.largest_magnitude()) {
        start += step;
      }
    }
    consider(start - 3);
    const auto clipped_too_much = [&](int code) {
      const double last = 12.0 * static_cast<double>(storage::code_value(static_cast<std::uint8_t>(code)));
      double error = 0.0;
      for (std::size_t j = 0; j < block.x.size(); ++j) {
        const double excess = std::abs(static_cast<double>(block.x[j])) - last;
        if (excess > 0.0) error += product(block.weight[j], product(excess, excess));
      }
      return error > block.energy - best_gain;
    };
    const auto zeroed_too_much = [&](int code) {
      const double half_step =
          0.5 * static_cast<double>(storage::code_value(static_cast<std::uint8_t>(code)));
      double error = 0.0;
      for (std::size_t j = 0; j < block.x.size(); ++j) {
        const auto value = static_cast<double>(block.x[j]);
        if (std::abs(value) < half_step) error += product(block.weighted_x[j], value);
      }
      return error > block.energy - best_gain;
    };
    for (int code = start - 4; code >= 1 && !clipped_too_much(code); code -= 8) consider(code - 7);
    for (int code = start + 5; code <= LastCode && !zeroed_too_much(code); code += 8) consider(code);

    codes.scale.sub[static_cast<std::size_t>(s)] = static_cast<std::uint8_t>(best);
    std::array<std::int8_t, static_cast<std::size_t>(count)> levels{};
    if (best != 0) {
      write_levels<e2m1_level_set>(block, storage::code_value(static_cast<std::uint8_t>(best)), 0.0f,
                                   levels.data());
    }
    for (int j = 0; j < count; ++j) {
      codes.elements[static_cast<std::size_t>(first + j)] = e2m1_code(levels[static_cast<std::size_t>(j)]);
    }
  }
}

[[gnu::always_inline]] inline void encode(const float* x, const float* importance,
                                          block_codes<mxfp4>& codes) noexcept {
  encode_byte_scales<mxfp4, 254>(x, importance, codes);
}

[[gnu::always_inline]] inline void encode(const float* x, const float* importance,
                                          block_codes<nvfp4>& codes) noexcept {
  encode_byte_scales<nvfp4, 126>(x, importance, codes);
}

}  // namespace bitgauge::gguf::best
