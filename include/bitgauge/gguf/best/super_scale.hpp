#pragma once

/// \file
/// The best encoder of super-blocks whose sub-blocks have a scale and no minimum: Q3_K, Q6_K and IQ4_XS.

#include <bitgauge/gguf/best/encoder.hpp>
#include <bitgauge/gguf/best/super_scale_scan.hpp>
#include <bitgauge/gguf/search/affine_error.hpp>
#include <bitgauge/gguf/search/level_set.hpp>
#include <bitgauge/gguf/search/stored_half.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ratio>

namespace bitgauge::gguf::best {

/// Under a given super-scale all factors of a sub-block that could be good are tried, of either sign, each
/// with its nearest levels. A scan of many super-scales finds the few for which that is done; each is then
/// refitted by least squares to the levels chosen.
template <class Format, int Bytes>
class super_scale_search {
  using lanes = simd::lanes<Bytes>;
  using level_set = gguf::level_set<typename Format::levels, tie::up>;
  using storage = typename Format::scale;
  static constexpr auto count = static_cast<std::size_t>(Format::sub_block);
  static constexpr auto sub_blocks = static_cast<std::size_t>(Format::sub_blocks);
  static constexpr super_scale_plan plan = Format::best_plan;
  static constexpr int least_factor = factor_range<storage>::least, most_factor = factor_range<storage>::most;
  static constexpr int scale_signs = least_factor < 0 ? 2 : 1;  ///< that a sub-block can have

  /// The least magnitudes of a positive and a negative scale, the greatest, and the least error seen.
  struct range {
    std::array<float, 2> least;
    float most, error;
    float energy = 0.0f;  ///< the error of zeros
  };
  struct solution {
    float super = 0.0f;
    std::array<int, sub_blocks> factor{};
    double error = HUGE_VAL;
  };

  scaled_elements<Format::elements> block_;
  float widest_;
  std::array<range, sub_blocks> ranges_;
  std::array<float, sub_blocks> scales_;       ///< of the sub-blocks fitted alone
  std::array<std::size_t, sub_blocks> order_;  ///< the greatest error first

 public:
  [[gnu::always_inline]] super_scale_search(const float* x, const float* importance) noexcept
      : block_(x, importance), widest_(importance != nullptr ? plan.widest_weighted : plan.widest) {}

  [[gnu::always_inline]] void run(block_codes<Format>& codes) noexcept {
    find_ranges();
    const float greatest = *std::max_element(scales_.begin(), scales_.end());
    super_scale_scan<std::ratio<plan.numerator, plan.denominator>, plan.scanned, most_factor, Bytes> scan(
        product(greatest / static_cast<float>(most_factor), 0.85f));
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      scan.add(
          std::min(ranges_[s].least[0], ranges_[s].least[1]),
          ranges_[s].most, [&](const lanes& scale) __attribute__((always_inline)) {
            return error_of_either_sign(s, scale);
          });
    }
    solution best;
    for (int k = 0; k < plan.tried; ++k) consider(stored(static_cast<double>(scan.take_best())), best);
    for (const int units : few_halves(greatest / static_cast<float>(most_factor), block_.exponent))
      consider(std::scalbn(static_cast<float>(units), -24 - block_.exponent), best);
    write(best, codes);
  }

 private:
  /// Tries a super-scale, and what it is refitted to.
  [[gnu::always_inline]] void consider(float super, solution& best) noexcept {
    if (!(super > 0.0f)) return;
    simd::out_of_line<Bytes>([&](auto) __attribute__((always_inline)) { consider_here(super, best); });
  }
  [[gnu::always_inline]] void consider_here(float super, solution& best) noexcept {
    solution trial;
    trial.super = super;
    choose(trial, 1.02 * best.error);
    if (!(trial.error < HUGE_VAL)) return;
    if (trial.error < best.error) best = trial;
    refit(trial);
    choose(trial, best.error);
    if (trial.error < best.error) best = trial;
  }

  const float* elements(std::size_t s) const noexcept { return &block_.x[s * count]; }
  const float* weights(std::size_t s) const noexcept { return &block_.weight[s * count]; }

  /// A super-scale as binary16 stores it.
  float stored(double value) const noexcept {
    return std::scalbn(nearest_half(std::scalbn(value, block_.exponent)), -block_.exponent);
  }

  /// sum w (x - scale l)^2 over the nearest levels.
  [[gnu::always_inline]] lanes error_of(std::size_t s, const lanes& scale) const noexcept {
    const lanes inverse = lanes::all(1.0f) / scale;
    lanes error = lanes::all(0.0f);
    for (std::size_t j = 0; j < count; ++j) {
      const lanes x = lanes::all(elements(s)[j]);
      const lanes rest = x - scale * level_set::nearest(x * inverse);
      error += lanes::all(weights(s)[j]) * rest * rest;
    }
    return error;
  }

  /// The less of the errors with the scale and its negative, as far as these are tried. A loop: error_of() is long.
  [[gnu::always_inline]] lanes error_of_either_sign(std::size_t s, const lanes& scale) const noexcept {
    const auto& least = ranges_[s].least;
    const bool is_negative = least[1] != HUGE_VALF, tries_both = is_negative && least[0] != HUGE_VALF;
    lanes error, tried = is_negative ? lanes::all(-1.0f) * scale : scale;
    for (int k = 0; k < (tries_both ? 2 : 1); ++k, tried = scale) {
      const lanes found = error_of(s, tried);
      error = k == 0 ? found : smaller(found, error);
    }
    return error;
  }

  /// The best of some scales, a multiple of sixteen.
  [[gnu::always_inline]] auto best_of(std::size_t s, const float* scales,
                                      std::size_t scale_count) const noexcept {
    typename running_least<Bytes>::trial found;
    simd::out_of_line<Bytes>([&](auto) __attribute__((always_inline)) {
      running_least<Bytes> least;
      for (std::size_t k = 0; k < scale_count; k += lanes::count) {
        least.take(k, error_of(s, lanes::load(scales + k)));
      }
      found = least.found();
    });
    return found;
  }

  /// Tries each sub-block alone with scales of both signs.
  [[gnu::always_inline]] void find_ranges() noexcept {
    constexpr float ends[2] = {static_cast<float>(level_set::most), static_cast<float>(-level_set::least)};
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      float magnitude = 0.0f;
      for (std::size_t j = 0; j < count; ++j) magnitude = std::max(magnitude, std::abs(elements(s)[j]));
      const float free = std::max(magnitude, 1e-9f) / std::max(ends[0], ends[1]);
      const float most = product(widest_, free);
      std::array<float, 32> tried;
      for (std::size_t k = 0; k < 16; ++k) {
        tried[k] = product(most, 0.44f + 0.08f * static_cast<float>(k % 8));
        if (k >= 8 && scale_signs == 2) tried[k] = -tried[k];
      }
      float error = best_of(s, tried.data(), 16).error;
      range& within = ranges_[s];
      within = {{0.0f, 0.0f}, most, 0.0f};
      for (std::size_t j = 0; j < count; ++j) {
        within.energy += product(weights(s)[j], product(elements(s)[j], elements(s)[j]));
        const float x = elements(s)[j], rest = std::abs(x) - std::sqrt(error / weights(s)[j]);
        const std::size_t above = x > 0.0f ? 0 : 1;
        within.least[0] = std::max(within.least[0], rest / ends[above]);
        within.least[1] = std::max(within.least[1], rest / ends[1 - above]);
      }
      std::array<float, 2> errors{HUGE_VALF, HUGE_VALF};
      error = HUGE_VALF;
      for (std::size_t negative = 0; negative < scale_signs; ++negative) {
        const float from = std::min(within.least[negative], most), step = (most - from) / 31.0f;
        for (std::size_t k = 0; k < tried.size(); ++k) {
          tried[k] = from + product(step, static_cast<float>(k)) + 1e-12f;
          if (negative != 0) tried[k] = -tried[k];
        }
        const auto found = best_of(s, tried.data(), tried.size());
        errors[negative] = found.error;
        if (found.error < error) scales_[s] = std::abs(tried[found.place]);
        error = std::min(error, found.error);
      }
      // The other sign, too, where it is nearly as good.
      for (std::size_t negative = 0; negative < 2; ++negative) {
        if (errors[negative] > plan.rival * error) within.least[negative] = HUGE_VALF;
      }
      within.error = error;
      order_[s] = s;
    }
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return ranges_[a].error > ranges_[b].error || (ranges_[a].error == ranges_[b].error && a < b);
    });
  }

  /// Chooses the factors under trial.super, and the error; an infinite one as soon as it must exceed `limit`.
  [[gnu::always_inline]] void choose(solution& trial, double limit) noexcept {
    simd::out_of_line<Bytes>([&](auto) __attribute__((always_inline)) { choose_here(trial, limit); });
  }
  [[gnu::always_inline]] void choose_here(solution& trial, double limit) noexcept {
    double to_come = 0.0;
    for (const range& r : ranges_) to_come += static_cast<double>(r.error);
    static constexpr std::array<float, 16> counted{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    trial.error = 0.0;
    const float inverse = 1.0f / trial.super;
    for (const std::size_t s : order_) {
      float error = HUGE_VALF;
      for (std::size_t negative = 0; negative < 2; ++negative) {
        if (ranges_[s].least[negative] == HUGE_VALF) continue;
        const int limit_here = negative != 0 ? -least_factor : most_factor;
        const auto factor_at = [&](float scale, float up, int least) {
          return std::clamp(static_cast<int>(std::min(product(scale, inverse), 300.0f) + up), least,
                            limit_here);
        };
        const int first = factor_at(ranges_[s].least[negative], 0.0f, 1);
        const int last = factor_at(ranges_[s].most, 0.5f, first);
        const lanes unit = lanes::all(negative != 0 ? -trial.super : trial.super);
        running_least<Bytes> least;
        for (int f = first; f <= last; f += lanes::count) {
          const lanes factors = lanes::load(counted.data()) + lanes::all(static_cast<float>(f));
          least.take(static_cast<std::size_t>(f),
                     error_of(s, smaller(factors, lanes::all(static_cast<float>(last))) * unit));
        }
        const auto found = least.found();
        if (!(found.error < error)) continue;
        error = found.error;
        const int factor = std::min(static_cast<int>(found.place), last);
        trial.factor[s] = negative != 0 ? -factor : factor;
      }
      if (ranges_[s].energy < error) trial.factor[s] = 0;
      error = std::min(error, ranges_[s].energy);
      to_come -= static_cast<double>(ranges_[s].error);
      trial.error += static_cast<double>(error);
      ranges_[s].error = std::min(ranges_[s].error, error);
      if (trial.error + to_come > limit) {
        trial.error = HUGE_VAL;
        return;
      }
    }
  }

  /// The super-scale of least error for the levels of `trial`.
  [[gnu::always_inline]] void refit(solution& trial) const noexcept {
    lanes with_x = lanes::all(0.0f), squares = with_x;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      if (trial.factor[s] == 0) continue;
      const lanes factor = lanes::all(static_cast<float>(trial.factor[s]));
      const lanes inverse = lanes::all(1.0f) / (lanes::all(trial.super) * factor);
      for (std::size_t j = 0; j < count; j += lanes::count) {
        const lanes x = lanes::load(elements(s) + j);
        const lanes a = level_set::nearest(x * inverse) * factor;
        const lanes weighted = lanes::load(weights(s) + j) * a;
        with_x += weighted * x;
        squares += weighted * a;
      }
    }
    const double of_squares = squares.total();
    const float super = of_squares > 0.0 ? stored(with_x.total() / of_squares) : 0.0f;
    if (super > 0.0f) trial.super = super;
  }

  [[gnu::always_inline]] void write(const solution& found, block_codes<Format>& codes) const noexcept {
    codes.scale.super = std::scalbn(found.super, block_.exponent);
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      codes.scale.sub[s] = static_cast<std::uint8_t>(found.factor[s] - storage::rule.origin);
      const float scale = found.super * static_cast<float>(found.factor[s]);
      const lanes inverse = lanes::all(scale != 0.0f ? 1.0f / scale : 0.0f);
      for (std::size_t j = 0; j < count; j += lanes::count) {
        std::array<float, lanes::count> levels;
        level_set::nearest(lanes::load(elements(s) + j) * inverse).store(levels.data());
        for (std::size_t k = 0; k < lanes::count; ++k) {
          codes.elements[s * count + j + k] = level_set::code_of(static_cast<int>(levels[k]));
        }
      }
    }
  }
};

template <class Format>
requires(Format::family == block_family::super_scale)
struct encoder<Format> {
  static constexpr index_t together = 1;

  static void encode(const float* x, index_t, const block_context& context,
                     std::array<block_codes<Format>, 1>& codes) noexcept {
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      super_scale_search<Format, width()> search(x, context.importance);
      search.run(codes[0]);
    });
  }
};

}  // namespace bitgauge::gguf::best
