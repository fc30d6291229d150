#pragma once

/// \file
/// The optimal codes of the formats with a scale of one byte a sub-block, MXFP4 and NVFP4: every scale code
/// that could be best is tried.

#include <bitgauge/gguf/best/encoder.hpp>
#include <bitgauge/gguf/search/level_set.hpp>
#include <bitgauge/gguf/search/level_sums.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

namespace detail {

/// One sub-block. As range/search/stored_scale_search.hpp does for grids it tries every stored scale that can
/// win, but in this order: powers of two often give the same error, of which the first stays.
///
/// The codes 1..last are tried upward from the least one under which no element is clipped at a
/// cost above the best error, until the elements that become zero cost more than that.
template <class Format>
[[gnu::always_inline]] inline std::uint8_t encode_byte_scale(const float* x, const float* importance,
                                                             std::uint8_t* codes) noexcept {
  using storage = typename Format::scale;
  using levels = level_set<typename Format::levels>;
  constexpr int last_code = storage::most_code;
  constexpr auto last = static_cast<float>(last_level<typename Format::levels>);
  // elements below this many scales become zero
  constexpr double to_zero = [] {
    double least = 127.0;
    bool has_zero = false;
    for (const coded_level& each : usable_levels<typename Format::levels>) {
      has_zero = has_zero || each.level == 0;
      if (each.level != 0) least = std::min(least, 0.5 * (each.level < 0 ? -each.level : each.level));
    }
    return has_zero ? least : 0.0;
  }();
  static_assert(to_zero > 0.0, "bitgauge: scales of one byte go with levels of which one is 0");
  const weighted_elements<Format::sub_block> block(x, importance);
  const auto scale_of = [](int code) { return storage::code_value(static_cast<std::uint8_t>(code)); };
  int best = 0;
  double best_gain = 0.0;
  const auto consider = [&](int from) __attribute__((always_inline)) {
    trial_batch batch;
    for (int k = 0; k < 8; ++k)
      batch.scale[static_cast<std::size_t>(k)] = scale_of(std::clamp(from + k, 1, last_code));
    sum_levels<levels>(block, batch);
    for (int k = 0; k < 8; ++k) {
      const auto at = static_cast<std::size_t>(k);
      const double gain = batch.sums[at].gain(static_cast<double>(batch.scale[at]));
      if (gain > best_gain) {
        best_gain = gain;
        best = std::clamp(from + k, 1, last_code);
      }
    }
  };
  // The least scale that clips nothing bounds the error, and that the search from below.
  int start = 1;
  for (int step = 128; step > 0; step /= 2) {
    if (start + step <= last_code && last * scale_of(start + step) < block.largest_magnitude) start += step;
  }
  consider(start - 3);
  const auto clipped_too_much = [&](int code) {
    const double most = static_cast<double>(last) * static_cast<double>(scale_of(code));
    double error = 0.0;
    for (std::size_t j = 0; j < block.x.size(); ++j) {
      const double excess = std::abs(static_cast<double>(block.x[j])) - most;
      if (excess > 0.0) error += product(block.weight[j], product(excess, excess));
    }
    return error > block.energy - best_gain;
  };
  const auto zeroed_too_much = [&](int code) {
    const double reach = to_zero * static_cast<double>(scale_of(code));
    double error = 0.0;
    for (std::size_t j = 0; j < block.x.size(); ++j) {
      const auto value = static_cast<double>(block.x[j]);
      if (std::abs(value) < reach) error += product(block.weighted_x[j], value);
    }
    return error > block.energy - best_gain;
  };
  for (int code = start - 4; code >= 1 && !clipped_too_much(code); code -= 8) consider(code - 7);
  for (int code = start + 5; code <= last_code && !zeroed_too_much(code); code += 8) consider(code);
  if (best == 0) {
    std::fill_n(codes, Format::sub_block, levels::code_of(0));
  } else {
    write_codes<levels>(block, scale_of(best), codes);
  }
  return static_cast<std::uint8_t>(best);
}

}  // namespace detail

template <class Format>
requires(Format::family == block_family::byte_scale)
struct encoder<Format> {
  static constexpr index_t together = 1;

  static void encode(const float* x, index_t, const block_context& context,
                     std::array<block_codes<Format>, 1>& codes) noexcept {
    simd::multiversion([&](auto) __attribute__((always_inline)) {
      for (int s = 0; s < Format::sub_blocks; ++s) {
        const int first = s * Format::sub_block;
        codes[0].scale.sub[static_cast<std::size_t>(s)] = detail::encode_byte_scale<Format>(
            x + first, context.importance == nullptr ? nullptr : context.importance + first,
            codes[0].elements.data() + first);
      }
    });
  }
};

}  // namespace bitgauge::gguf::best
