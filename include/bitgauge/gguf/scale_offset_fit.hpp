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

/// Replaces scale and offset of every lane by their least-squares solution for the levels of the batch, the
/// offset by 0 where it would exceed `greatest_offset`; and the gain by what that gains. Lanes without a
/// positive solution get the gain 0 and keep their scale.
template <int Count>
[[gnu::always_inline]] inline void solve_batch(const weighted_elements<Count>& block, double greatest_offset,
                                               trial_batch& batch) noexcept {
  const double_lanes sum_weight = double_lanes{} + block.sum_weight, sum_x = double_lanes{} + block.sum_x;
  for (std::size_t lane = 0; lane < 8; lane += 2) {
    const double_lanes with_x = lanes_of(&batch.with_x[lane]), squares = lanes_of(&batch.squares[lane]),
                       levels = lanes_of(&batch.levels[lane]);
    const double_lanes determinant = product(sum_weight, squares) - product(levels, levels);
    const double_lanes free_scale = (product(sum_weight, with_x) - product(sum_x, levels)) / determinant;
    const double_lanes free_offset = (product(squares, sum_x) - product(levels, with_x)) / determinant;
    const double_lanes plain_scale = with_x / squares;
    std::array<double, 2> scale, offset;
    for (std::size_t k = 0; k < 2; ++k) {
      const bool is_free = free_offset[k] <= greatest_offset;
      // As floats, which are what is tried next.
      scale[k] = static_cast<double>(static_cast<float>(is_free ? free_scale[k] : plain_scale[k]));
      offset[k] = static_cast<double>(static_cast<float>(is_free ? free_offset[k] : 0.0));
    }
    const double_lanes gain =
        gain_of(block, lanes_of(scale.data()), lanes_of(offset.data()), with_x, squares, levels);
    for (std::size_t k = 0; k < 2; ++k) {
      const bool solved = determinant[k] > 0.0 && scale[k] > 0.0;
      batch.gain[lane + k] = solved ? gain[k] : 0.0;
      if (!solved) continue;
      batch.scale[lane + k] = static_cast<float>(scale[k]);
      batch.offset[lane + k] = static_cast<float>(offset[k]);
    }
  }
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
        solve_batch(block, greatest_offset, batch);
        for (std::size_t lane = 0; lane < 8; ++lane) {
          keep({batch.scale[lane], batch.offset[lane]}, batch.gain[lane]);
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
