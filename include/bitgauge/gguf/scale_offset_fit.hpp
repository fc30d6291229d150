#pragma once

/// \file
/// Candidates for the scale and offset of one sub-block, before they are stored.

#include <bitgauge/gguf/level_fit.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace bitgauge::gguf::best {

/// x is about scale * level + offset.
struct scale_and_offset {
  float scale = 0.0f;
  float offset = 0.0f;
};

/// What scale and offset gain over all zeros: sum w x^2 - sum w (x - scale l - offset)^2, for the levels l of
/// `sums`.
template <int Count>
double gain_with_offset(const weighted_elements<Count>& block, const level_sums& sums, double scale,
                        double offset) noexcept {
  const double linear = product(scale, sums.with_x) + product(offset, block.sum_x);
  const double quadratic = product(product(scale, scale), sums.squares) +
                           product(product(offset, offset), block.sum_weight) +
                           product(2.0 * product(scale, offset), sums.levels);
  return 2.0 * linear - quadratic;
}

/// Least squares for the levels of `sums`; the offset is at most `greatest_offset`.
template <int Count>
scale_and_offset solve(const weighted_elements<Count>& block, const level_sums& sums,
                       double greatest_offset) noexcept {
  const double determinant = product(block.sum_weight, sums.squares) - product(sums.levels, sums.levels);
  if (!(determinant > 0.0)) return {};
  const double scale =
      (product(block.sum_weight, sums.with_x) - product(block.sum_x, sums.levels)) / determinant;
  const double offset =
      (product(sums.squares, block.sum_x) - product(sums.levels, sums.with_x)) / determinant;
  if (offset <= greatest_offset) return {static_cast<float>(scale), static_cast<float>(offset)};
  return {static_cast<float>(projection{sums.with_x, sums.squares}.scale()), 0.0f};
}

/// The few best fits of scale * {0..Most} + offset to a sub-block.
template <int Count, int Most, std::size_t Kept>
class scale_offset_fit {
  using level_set = uniform_levels<0, Most>;

  std::array<scale_and_offset, Kept> fit_{};
  std::array<double, Kept> gain_{};  // descending

 public:
  /// The fits, the best first; the unused ones have a scale of 0.
  const std::array<scale_and_offset, Kept>& fits() const noexcept { return fit_; }

  /// Starts with the range of x cut or widened by several amounts at either end, and alternates between
  /// nearest levels and least squares.
  ///
  /// \param only_below_zero the offset must not be positive
  [[gnu::always_inline]] void run(const weighted_elements<Count>& block, float low, float high,
                                  bool only_below_zero) noexcept {
    constexpr int low_cuts = 7;
    if (!(high > low)) return;
    const double greatest_offset = only_below_zero ? 0.0 : HUGE_VAL;
    const float step = (high - low) / static_cast<float>(Most);
    for (int cut = 0; cut < low_cuts; ++cut) {
      trial_batch batch;
      for (std::size_t lane = 0; lane < 8; ++lane) {
        const float offset = low + (0.3f * static_cast<float>(cut) - 0.45f) * step;
        batch.offset[lane] = only_below_zero ? std::min(offset, 0.0f) : offset;
        const float top = high - (0.26f * static_cast<float>(lane) - 0.45f) * step;
        batch.scale[lane] =
            std::max(top - batch.offset[lane], 0.05f * (high - low)) / static_cast<float>(Most);
      }
      for (int pass = 0; pass < 3; ++pass) {
        fit_batch<level_set>(block, batch);
        for (std::size_t lane = 0; lane < 8; ++lane) {
          const level_sums sums = batch.sums(lane);
          const scale_and_offset fit = solve(block, sums, greatest_offset);
          if (!(fit.scale > 0.0f)) continue;
          keep(fit, gain_with_offset(block, sums, static_cast<double>(fit.scale),
                                     static_cast<double>(fit.offset)));
          batch.scale[lane] = fit.scale;
          batch.offset[lane] = fit.offset;
        }
      }
    }
  }

 private:
  void keep(const scale_and_offset& fit, double gain) noexcept {
    if (gain <= gain_.back()) return;
    for (std::size_t k = 0; k < Kept; ++k) {
      if (gain_[k] == gain) return;  // the same levels again
    }
    std::size_t to = Kept - 1;
    for (; to > 0 && gain_[to - 1] < gain; --to) {
      gain_[to] = gain_[to - 1];
      fit_[to] = fit_[to - 1];
    }
    gain_[to] = gain;
    fit_[to] = fit;
  }
};

}  // namespace bitgauge::gguf::best
