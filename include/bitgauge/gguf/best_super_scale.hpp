#pragma once

/// \file
/// The `best` encoder of super-blocks whose sub-blocks have a scale and no offset: Q3_K, Q6_K and IQ4_XS.

#include <bitgauge/gguf/formats.hpp>
#include <bitgauge/gguf/level_fit.hpp>
#include <bitgauge/gguf/optimal_scale.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace bitgauge::gguf::best {

/// Which levels a super-block has, and how far above the scale that clips nothing a good scale may lie.
template <class Format>
struct super_scale_traits;
template <>
struct super_scale_traits<q3_k> {
  using level_set = uniform_levels<-4, 3>;
  static constexpr double widest = 1.6;
};
template <>
struct super_scale_traits<q6_k> {
  using level_set = uniform_levels<-32, 31>;
  static constexpr double widest = 1.4;
};
template <>
struct super_scale_traits<iq4_xs> {
  using level_set = iq4_level_set;
  static constexpr double widest = 1.6;
};

/// Finds for every sub-block the few scales at which its error has a least value, chooses among their
/// neighbours as stored under a super-scale, refits the super-scale to that by least squares, and repeats to
/// a fixed point, from several super-scales.
template <class Format>
class super_scale_search {
  using traits = super_scale_traits<Format>;
  using level_set = typename traits::level_set;
  using storage = typename Format::scale;
  static constexpr int count = Format::sub_block;
  static constexpr std::size_t sub_blocks = static_cast<std::size_t>(Format::sub_blocks);
  static constexpr int least_factor = storage::rule.is_signed ? -128 : storage::rule.origin;
  static constexpr int most_factor = least_factor + storage::code_count - 1;
  static constexpr std::size_t candidates = 4;  ///< a sub-block

  /// A super-scale with its sub-scales, what is gained over all zeros, and the sums for a refit.
  struct solution {
    float super = 0.0f;
    std::array<int, sub_blocks> factor{};
    double gain = 0.0;
    projection refit{};
  };

  std::array<weighted_elements<count>, sub_blocks> blocks_;
  std::array<std::array<float, candidates>, sub_blocks> scale_;  ///< the best first, then zeros

 public:
  super_scale_search(const float* x, const float* importance) noexcept
      : super_scale_search(x, importance, std::make_index_sequence<sub_blocks>()) {}

  [[gnu::always_inline]] void run(block_codes<Format>& codes) noexcept {
    float largest = 0.0f;
    double energy = 0.0;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      find_candidates(s);
      energy += blocks_[s].energy;
      largest = std::max(largest, std::abs(scale_[s][0]));
    }
    solution best;
    // Where the greatest sub-scale comes to lie within the range of its code.
    for (const float headroom : {1.0f, 1.02f, 1.05f, 0.95f, 1.1f, 1.17f, 0.9f, 1.25f, 1.4f}) {
      solution trial;
      trial.super = nearest_half(headroom * largest / static_cast<float>(most_factor));
      for (int pass = 0; pass < 4 && trial.super != 0.0f; ++pass) {
        const double before = trial.gain;
        choose_factors(trial);
        const bool hopeless = energy - trial.gain > 1.03 * (energy - best.gain);
        if (trial.gain > best.gain) best = trial;
        if (hopeless || (pass > 0 && trial.gain <= before)) break;
        trial.super = nearest_half(trial.refit.scale());
      }
    }
    write(best, codes);
  }

 private:
  template <std::size_t... S>
  super_scale_search(const float* x, const float* importance, std::index_sequence<S...>) noexcept
      : blocks_{weighted_elements<count>(
            x + static_cast<int>(S) * count,
            importance == nullptr ? nullptr : importance + static_cast<int>(S) * count)...},
        scale_{} {}

  /// No better scale is smaller in magnitude: one clipped element would cost more than `error`.
  double least_scale(std::size_t s, double error) const noexcept {
    double limit = 0.0;
    const auto& block = blocks_[s];
    for (std::size_t j = 0; j < block.x.size(); ++j) {
      const double magnitude = std::abs(static_cast<double>(block.x[j]));
      limit = std::max(limit, magnitude - std::sqrt(error / std::max(block.weight[j], 1e-300)));
    }
    return limit / -level_set::least;
  }

  /// Fills scale_[s] with local optima over even steps of the scale, of both signs.
  [[gnu::always_inline]] void find_candidates(std::size_t s) noexcept {
    constexpr std::size_t steps = 40;
    const auto& block = blocks_[s];
    const double clip_free = static_cast<double>(block.largest_magnitude()) / -level_set::least;
    if (clip_free == 0.0) return;
    std::array<float, 2 * steps> scale;
    std::array<double, 2 * steps> gain;
    double from = 0.9 * clip_free, most_gain = 0.0;
    const auto fill = [&](std::size_t used) __attribute__((always_inline)) {
      for (std::size_t i = 0; i < 2 * used; i += 8) {
        trial_batch batch;
        for (std::size_t lane = 0; lane < 8; ++lane) {
          const std::size_t at = (i + lane) % used;
          const double share = static_cast<double>(at) / static_cast<double>(used - 1);
          const double magnitude = from + product(traits::widest * clip_free - from, share);
          scale[i + lane] = static_cast<float>(i + lane < used ? magnitude : -magnitude);
          batch.scale[lane] = scale[i + lane];
        }
        fit_batch<level_set>(block, batch);
        for (std::size_t lane = 0; lane < 8; ++lane) {
          gain[i + lane] = batch.gain[lane];
          most_gain = std::max(most_gain, gain[i + lane]);
        }
      }
    };
    fill(4);
    from = least_scale(s, std::max(block.energy - most_gain, 0.0));
    fill(steps);
    std::array<double, candidates> kept{};
    for (std::size_t i = 0; i < 2 * steps; ++i) {
      const bool rises = i % steps == 0 || gain[i] > gain[i - 1];
      const bool falls = i % steps == steps - 1 || gain[i] >= gain[i + 1];
      if (!rises || !falls || gain[i] <= kept.back()) continue;
      std::size_t to = candidates - 1;
      for (; to > 0 && kept[to - 1] < gain[i]; --to) {
        kept[to] = kept[to - 1];
        scale_[s][to] = scale_[s][to - 1];
      }
      kept[to] = gain[i];
      scale_[s][to] = scale[i];
    }
  }

  /// The best factor of every sub-block for trial.super: next to its candidates, below and above.
  [[gnu::always_inline]] void choose_factors(solution& trial) const noexcept {
    trial.gain = 0.0;
    trial.refit = {};
    const float inverse = 1.0f / trial.super;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      projection levels;
      double gain = 0.0;
      int chosen = 0;
      for (std::size_t first = 0; first < candidates && scale_[s][first] != 0.0f; first += 4) {
        trial_batch batch;
        std::array<int, 8> factor;
        for (std::size_t lane = 0; lane < 8; ++lane) {
          const float place = std::clamp(scale_[s][first + lane / 2] * inverse, -256.0f, 256.0f) + 512.0f;
          factor[lane] = std::clamp(static_cast<int>(place) - 512 + static_cast<int>(lane % 2), least_factor,
                                    most_factor);
          batch.scale[lane] = trial.super * static_cast<float>(factor[lane]);
        }
        fit_batch<level_set>(blocks_[s], batch);
        for (std::size_t lane = 0; lane < 8; ++lane) {
          const double lane_gain = batch.gain[lane];
          if (lane_gain > gain) {
            gain = lane_gain;
            chosen = factor[lane];
            levels = {batch.with_x[lane], batch.squares[lane]};
          }
        }
      }
      trial.factor[s] = chosen;
      trial.gain += gain;
      const double factor = chosen;
      trial.refit.with_x += product(factor, levels.with_x);
      trial.refit.squares += product(product(factor, factor), levels.squares);
    }
  }

  [[gnu::always_inline]] void write(const solution& found, block_codes<Format>& codes) const noexcept {
    codes.scale.super = found.super;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      codes.scale.sub[s] = static_cast<std::uint8_t>(found.factor[s] - storage::rule.origin);
      std::array<std::int8_t, static_cast<std::size_t>(count)> levels;
      write_levels<level_set>(blocks_[s], found.super * static_cast<float>(found.factor[s]), 0.0f,
                              levels.data());
      for (std::size_t j = 0; j < levels.size(); ++j) {
        codes.elements[s * static_cast<std::size_t>(count) + j] = code_of(levels[j]);
      }
    }
  }

  static std::uint8_t code_of(std::int8_t level) noexcept {
    if constexpr (requires { Format::levels::zero; }) {
      return static_cast<std::uint8_t>(level + Format::levels::zero);
    } else {
      return static_cast<std::uint8_t>(std::lower_bound(iq4_levels.begin(), iq4_levels.end(), level) -
                                       iq4_levels.begin());
    }
  }
};

template <class Format>
requires requires {
  typename super_scale_traits<Format>::level_set;
}
[[gnu::always_inline]] inline void encode(const float* x, const float* importance,
                                          block_codes<Format>& codes) noexcept {
  super_scale_search<Format> search(x, importance);
  search.run(codes);
}

}  // namespace bitgauge::gguf::best
