#pragma once

/// \file
/// The best encoder of super-blocks whose sub-blocks have a scale and a minimum: Q2_K, Q4_K and Q5_K.

#include <bitgauge/gguf/best/encoder.hpp>
#include <bitgauge/gguf/best/oriented_elements.hpp>
#include <bitgauge/gguf/best/scale_min_candidates.hpp>
#include <bitgauge/gguf/search/stored_half.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// Under given super-scales all pairs of codes of a sub-block that could be good are tried, each with its
/// nearest levels: as the grids that they stand for differ by a good part of a level, their errors scatter
/// much, and the best of all is well below the best of the neighbours of any fit. Super-scales are tried
/// around those that the fits of single sub-blocks ask for, refitted by least squares to the codes chosen,
/// and varied. All of it is also done for the elements with their signs turned, which negative super-scales
/// stand for: the minimum then places the greatest element of a sub-block rather than the least.
///
/// Cost: about 10 to 20 pairs of super-scales, each with some 20 to 100 trials an element.
template <class Format, int Bytes>
class super_scale_min_search {
  using lanes = simd::lanes<Bytes>;
  static constexpr super_scale_min_plan plan = Format::best_plan;
  static constexpr auto count = static_cast<std::size_t>(Format::sub_block);
  static constexpr int most = Format::levels::most;
  static constexpr std::size_t sub_blocks = static_cast<std::size_t>(Format::sub_blocks);
  static constexpr int most_code = Format::scale::code_count - 1;

  using orientation = oriented_elements<Format, Bytes>;
  struct solution {
    float scale = 0.0f, minimum = 0.0f;  ///< super-scales; the latter is subtracted
    std::size_t turned = 0;
    std::array<std::uint8_t, sub_blocks> scale_code{}, minimum_code{};
    double error = HUGE_VAL;
  };

  std::array<orientation, 2> ways_;
  solution best_;

 public:
  [[gnu::always_inline]] super_scale_min_search(const float* x, const float* importance) noexcept
      : ways_{orientation{{x, importance}}, orientation{{x, importance}}} {
    ways_[1].block.turn_signs();
  }

  [[gnu::always_inline]] void run(block_codes<Format>& codes) noexcept {
    codes = {};
    for (orientation& way : ways_) way.fit_alone();
    scan();
    if (best_.scale == 0.0f) return;
    vary();
    if (best_.error <= ways_[0].block.energy()) write(codes);
  }

 private:
  /// A super-scale as binary16 stores it.
  float stored(double value) const noexcept { return stored(value, ways_[0].block.exponent); }
  [[gnu::noinline]] static float stored(double value, int exponent) noexcept {
    return std::scalbn(nearest_half(std::scalbn(value, exponent)), -exponent);
  }

  /// Chooses the codes under the super-scales of `trial`, and the error; an infinite one as soon as it must
  /// exceed `limit`.
  [[gnu::always_inline]] void choose(solution& trial, double limit) noexcept {
    simd::out_of_line<Bytes>([&](auto) __attribute__((always_inline)) { choose_here(trial, limit); });
  }
  [[gnu::always_inline]] void choose_here(solution& trial, double limit) noexcept {
    orientation& way = ways_[trial.turned];
    double to_come = 0.0;
    for (const grid_range& r : way.ranges) to_come += static_cast<double>(r.error);
    trial.error = 0.0;
    scale_min_candidates<most, most_code, Bytes> pairs;
    for (const std::size_t s : way.order) {
      grid_range& within = way.ranges[s];
      const auto best_listed = [&]() __attribute__((always_inline)) {
        return pairs.template best<static_cast<int>(count)>(
            &way.block.x[s * count], &way.block.weight[s * count], trial.scale, trial.minimum);
      };
      pairs.list(within, trial.scale, trial.minimum);
      scale_min_candidate found = best_listed();
      if constexpr (pairs.is_coarse) {
        pairs.list_neighbours(found);
        found = best_listed();
      }
      trial.scale_code[s] = found.scale;
      trial.minimum_code[s] = found.minimum;
      to_come -= static_cast<double>(within.error);
      trial.error += static_cast<double>(found.error);
      within.error = std::min(within.error, found.error);
      if (trial.error + to_come > limit) {
        trial.error = HUGE_VAL;
        return;
      }
    }
  }

  /// The number about `wanted` of which `value` is a multiple, as stored.
  float unit_of(float value, float wanted) const noexcept {
    const float times = wanted > 0.0f ? std::floor(value / wanted + 0.5f) : 0.0f;
    return stored(static_cast<double>(times >= 1.0f ? value / times : wanted));
  }

  using best_solutions = std::array<solution, 4>;

  [[gnu::always_inline]] void keep_if_good(solution& trial, best_solutions& kept) noexcept {
    if (trial.scale == 0.0f) return;
    simd::out_of_line<Bytes>([&](auto) __attribute__((always_inline)) { keep_if_good_here(trial, kept); });
  }
  [[gnu::always_inline]] void keep_if_good_here(solution& trial, best_solutions& kept) noexcept {
    choose(trial, 1.15 * kept[0].error);
    std::size_t to = kept.size();
    for (; to > 0 && trial.error < kept[to - 1].error; --to) {
      if (to < kept.size()) kept[to] = kept[to - 1];
    }
    if (to < kept.size()) kept[to] = trial;
  }

  /// Where the super-scales asked for are but a few of the least binary16 numbers, these.
  [[gnu::always_inline]] void try_few_halves(std::size_t turned, best_solutions& kept) noexcept {
    const orientation& way = ways_[turned];
    const int exponent = way.block.exponent;
    const float of_scale = way.scale / most_code, of_minimum = way.minimum / most_code;
    const auto scales = few_halves(of_scale, exponent), minima = few_halves(of_minimum, exponent);
    if (scales[0] == 0 && minima[0] == 0) return;
    const auto real = [&](int units, float wanted) {
      return units > 0 ? std::scalbn(static_cast<float>(units), -24 - exponent)
                       : stored(static_cast<double>(1.05f * wanted));
    };
    for (const int scale : scales) {
      for (const int minimum : minima) {
        solution trial;
        trial.turned = turned;
        trial.scale = real(scale, of_scale);
        trial.minimum = real(minimum, of_minimum);
        keep_if_good(trial, kept);
      }
    }
  }

  /// Super-scales around those that the fits ask for, the most promising refitted.
  [[gnu::always_inline]] void scan() noexcept {
    best_solutions kept;
    for (std::size_t turned = 0; turned < 2; ++turned) {
      const orientation& way = ways_[turned];
      for (int i = 0; i < plan.scales; ++i) {
        for (int k = 0; k < plan.minima; ++k) {
          solution trial;
          trial.turned = turned;
          const float a = (static_cast<float>(i) + 0.5f) / static_cast<float>(plan.scales);
          const float b = (static_cast<float>(k) + product(0.38f, static_cast<float>(i % 3))) /
                          static_cast<float>(plan.minima);
          trial.scale = unit_of(way.scales[way.order[0]], way.scale / most_code * (0.95f + product(0.3f, a)));
          trial.minimum =
              unit_of(way.minima[way.order[0]], way.minimum / most_code * (1.0f + product(0.2f, b)));
          keep_if_good(trial, kept);
        }
      }
      try_few_halves(turned, kept);
    }
    best_ = kept[0];
    for (std::size_t k = 0; k < static_cast<std::size_t>(plan.refined); ++k) {
      if (kept[k].scale != 0.0f) refine(kept[k]);
    }
  }

  /// Refits the super-scales and chooses codes again while that gains.
  [[gnu::always_inline]] void refine(solution trial) noexcept {
    for (int pass = 0; pass < 3; ++pass) {
      solution next = trial;
      refit(next);
      if (next.scale == trial.scale && next.minimum == trial.minimum) break;
      choose(next, trial.error);
      if (next.error >= trial.error) break;
      trial = next;
    }
    if (trial.error < best_.error) best_ = trial;
  }

  /// Small changes of the best super-scales: each gives other grids.
  [[gnu::always_inline]] void vary() noexcept {
    static constexpr std::array<std::array<float, 2>, 8> directions{
        {{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, -1}, {-1, 1}, {1, 1}, {-1, -1}}};
    for (int k = 0; k < plan.variations; ++k) {
      solution trial = best_;
      const float by = 0.004f * static_cast<float>(1 + k / 8);
      const auto& [a, b] = directions[static_cast<std::size_t>(k % 8)];
      trial.scale = stored(static_cast<double>(best_.scale * (1.0f + product(by, a))));
      trial.minimum = stored(static_cast<double>(best_.minimum * (1.0f + product(by, b))));
      choose(trial, 1.01 * best_.error);
      if (trial.error == HUGE_VAL) continue;
      if (trial.error < best_.error) best_ = trial;
      refit(trial);
      choose(trial, best_.error);
      if (trial.error < best_.error) best_ = trial;
    }
  }

  /// Both super-scales by least squares for the levels of `trial`. With a = code * level and m the code of
  /// the minimum, x is about scale a - minimum m.
  [[gnu::always_inline]] void refit(solution& trial) const noexcept {
    simd::out_of_line<Bytes>([&](auto) __attribute__((always_inline)) { refit_here(trial); });
  }
  [[gnu::always_inline]] void refit_here(solution& trial) const noexcept {
    const orientation& way = ways_[trial.turned];
    lanes aa = lanes::all(0.0f), am = aa, mm = aa, ax = aa, mx = aa;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      const lanes code = lanes::all(static_cast<float>(trial.scale_code[s]));
      const lanes minimum_code = lanes::all(static_cast<float>(trial.minimum_code[s]));
      const lanes minimum = lanes::all(-trial.minimum) * minimum_code;
      const lanes inverse = lanes::all(1.0f) / (lanes::all(trial.scale) * code);
      for (std::size_t j = s * count; j < (s + 1) * count; j += lanes::count) {
        const lanes x = lanes::load(&way.block.x[j]), weight = lanes::load(&way.block.weight[j]);
        const lanes a = ((x - minimum) * inverse).nearest_within(0, most) * code;
        const lanes weighted = weight * a, weighted_code = weight * minimum_code;
        aa += weighted * a;
        am += weighted_code * a;
        mm += weighted_code * minimum_code;
        ax += weighted * x;
        mx += weighted_code * x;
      }
    }
    const double s_aa = aa.total(), s_am = am.total(), s_mm = mm.total(), s_ax = ax.total(),
                 s_mx = mx.total();
    const double determinant = product(s_aa, s_mm) - product(s_am, s_am);
    if (determinant > 1e-9 * product(s_aa, s_mm)) {
      const float scale = stored((product(s_ax, s_mm) - product(s_am, s_mx)) / determinant);
      const float minimum = stored((product(s_ax, s_am) - product(s_mx, s_aa)) / determinant);
      if (scale > 0.0f && minimum > 0.0f) {
        trial.scale = scale;
        trial.minimum = minimum;
      }
    } else if (s_aa > 0.0 && s_mm == 0.0) {
      const float scale = stored(s_ax / s_aa);
      if (scale > 0.0f) trial.scale = scale;
    }
  }

  [[gnu::always_inline]] void write(block_codes<Format>& codes) const noexcept {
    const orientation& way = ways_[best_.turned];
    const int exponent = way.block.exponent;
    const float sign = best_.turned != 0 ? -1.0f : 1.0f;
    codes.scale.super = sign * std::scalbn(best_.scale, exponent);
    codes.minimum.super = sign * std::scalbn(best_.minimum, exponent);
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      codes.scale.sub[s] = best_.scale_code[s];
      codes.minimum.sub[s] = best_.minimum_code[s];
      const lanes minimum =
          lanes::all(-best_.minimum) * lanes::all(static_cast<float>(best_.minimum_code[s]));
      const lanes inverse =
          lanes::all(1.0f) / (lanes::all(best_.scale) * lanes::all(static_cast<float>(best_.scale_code[s])));
      for (std::size_t j = s * count; j < (s + 1) * count; j += lanes::count) {
        std::array<float, lanes::count> levels;
        ((lanes::load(&way.block.x[j]) - minimum) * inverse).nearest_within(0, most).store(levels.data());
        for (std::size_t k = 0; k < lanes::count; ++k)
          codes.elements[j + k] = static_cast<std::uint8_t>(levels[k]);
      }
    }
  }
};

template <class Format>
requires(Format::family == block_family::super_scale_min)
struct encoder<Format> {
  static constexpr index_t together = 1;

  static void encode(const float* x, index_t, const block_context& context,
                     std::array<block_codes<Format>, 1>& codes) noexcept {
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      super_scale_min_search<Format, width()> search(x, context.importance);
      search.run(codes[0]);
    });
  }
};

}  // namespace bitgauge::gguf::best
