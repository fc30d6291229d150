#pragma once

/// \file
/// The `best` encoder of super-blocks whose sub-blocks have a scale and an offset: Q2_K, Q4_K and Q5_K.

#include <bitgauge/gguf/formats.hpp>
#include <bitgauge/gguf/optimal_scale.hpp>
#include <bitgauge/gguf/scale_offset_fit.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace bitgauge::gguf::best {

/// Formats with stored sub-scales and sub-offsets.
template <class Format>
concept super_offset = Format::has_offset && requires {
  Format::offset::code_count;
};

/// Chooses scale and offset of every sub-block as stored, jointly, for given super-scales; refits both
/// super-scales by least squares; repeats to a fixed point, from several starts.
template <class Format>
class super_offset_search {
  static constexpr int count = Format::sub_block;
  static constexpr int most = Format::levels::most;
  static constexpr std::size_t sub_blocks = static_cast<std::size_t>(Format::sub_blocks);
  static constexpr int most_code = Format::scale::code_count - 1;
  static constexpr std::size_t candidates = 4;  ///< a sub-block
  using level_set = uniform_levels<0, most>;

  struct sub_codes {
    int scale = 0, offset = 0;
  };
  /// The normal equations of the two super-scales.
  struct refit_sums {
    double scale_scale = 0.0, scale_offset = 0.0, offset_offset = 0.0, scale_x = 0.0, offset_x = 0.0;
  };
  struct solution {
    float super_scale = 0.0f, super_offset = 0.0f;  ///< the latter is subtracted
    std::array<sub_codes, sub_blocks> codes{};
    double gain = 0.0;
    refit_sums refit{};
  };

  std::array<weighted_elements<count>, sub_blocks> blocks_;
  std::array<std::array<scale_and_offset, candidates>, sub_blocks> fits_;

 public:
  super_offset_search(const float* x, const float* importance) noexcept
      : super_offset_search(x, importance, std::make_index_sequence<sub_blocks>()) {}

  [[gnu::always_inline]] void run(block_codes<Format>& codes) noexcept {
    float scale = 0.0f, depth = 0.0f;
    double energy = 0.0;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      scale_offset_fit<count, most, candidates> fit;
      fit.run(blocks_[s], blocks_[s].low, blocks_[s].high, true);
      fits_[s] = fit.fits();
      scale = std::max(scale, fits_[s][0].scale);
      depth = std::max(depth, -fits_[s][0].offset);
      energy += blocks_[s].energy;
    }
    solution best;
    for (const auto& [of_scale, of_depth] : headrooms) {
      solution trial;
      trial.super_scale = nearest_half(of_scale * scale / static_cast<float>(most_code));
      trial.super_offset = nearest_half(of_depth * depth / static_cast<float>(most_code));
      if (trial.super_scale == 0.0f) continue;
      choose_from_fits(trial);
      const bool hopeless = energy - trial.gain > 1.05 * (energy - best.gain);
      if (trial.gain > best.gain) best = trial;
      if (!hopeless) improve(trial, best, 3);
    }
    improve(solution(best), best, 20);
    write(best, codes);
  }

 private:
  /// Where the greatest sub-scale and sub-offset come to lie within the range of their codes.
  static constexpr std::array<std::pair<float, float>, 6> headrooms{
      {{1.0f, 1.0f}, {1.1f, 1.05f}, {0.95f, 1.0f}, {1.05f, 1.15f}, {0.9f, 0.95f}, {1.2f, 1.1f}}};

  template <std::size_t... S>
  super_offset_search(const float* x, const float* importance, std::index_sequence<S...>) noexcept
      : blocks_{weighted_elements<count>(
            x + static_cast<int>(S) * count,
            importance == nullptr ? nullptr : importance + static_cast<int>(S) * count)...},
        fits_{} {}

  /// The best codes found for a sub-block, and the sums of their levels.
  struct choice {
    sub_codes codes{};
    projection sums{};
    double levels = 0.0, gain = 0.0;
  };

  /// Tries eight pairs of codes for sub-block s.
  [[gnu::always_inline]] void try_codes(const solution& trial, std::size_t s,
                                        const std::array<sub_codes, 8>& tried, choice& found) const noexcept {
    trial_batch batch;
    for (std::size_t lane = 0; lane < 8; ++lane) {
      batch.scale[lane] = trial.super_scale * static_cast<float>(tried[lane].scale);
      batch.offset[lane] = -(trial.super_offset * static_cast<float>(tried[lane].offset));
    }
    fit_batch<level_set>(blocks_[s], batch);
    for (std::size_t lane = 0; lane < 8; ++lane) {
      if (batch.gain[lane] > found.gain) {
        found = {
            tried[lane], {batch.with_x[lane], batch.squares[lane]}, batch.levels[lane], batch.gain[lane]};
      }
    }
  }

  static int place(float value, float unit) noexcept {
    return unit != 0.0f ? static_cast<int>(std::clamp(value / unit, 0.0f, 256.0f)) : 0;
  }
  static sub_codes clamped(int scale, int offset) noexcept {
    return {std::clamp(scale, 0, most_code), std::clamp(offset, 0, most_code)};
  }

  /// The codes of every sub-block next to each of its fits.
  [[gnu::always_inline]] void choose_from_fits(solution& trial) const noexcept {
    start_choice(trial);
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      choice found;
      for (std::size_t first = 0; first < candidates && fits_[s][first].scale != 0.0f; first += 2) {
        std::array<sub_codes, 8> tried;
        for (std::size_t lane = 0; lane < 8; ++lane) {
          const scale_and_offset& fit = fits_[s][first + lane / 4];
          tried[lane] = clamped(place(fit.scale, trial.super_scale) + static_cast<int>(lane & 1),
                                place(-fit.offset, trial.super_offset) + static_cast<int>(lane >> 1 & 1));
        }
        try_codes(trial, s, tried, found);
      }
      finish_choice(trial, s, found);
    }
  }

  /// Refits the super-scales, then moves the codes of every sub-block to better neighbours, until nothing
  /// improves.
  [[gnu::always_inline]] void improve(solution trial, solution& best, int passes) const noexcept {
    constexpr std::array<sub_codes, 8> ways{
        {{0, 0}, {-1, -1}, {-1, 0}, {0, -1}, {0, 1}, {1, 0}, {1, 1}, {1, -1}}};
    for (int pass = 0; pass < passes && trial.super_scale != 0.0f; ++pass) {
      const double before = trial.gain;
      refit(trial);
      start_choice(trial);
      for (std::size_t s = 0; s < sub_blocks; ++s) {
        choice found;
        sub_codes middle = trial.codes[s];
        for (int move = 0; move < 3; ++move) {
          const double reached = found.gain;
          std::array<sub_codes, 8> tried;
          for (std::size_t lane = 0; lane < 8; ++lane) {
            tried[lane] = clamped(middle.scale + ways[lane].scale, middle.offset + ways[lane].offset);
          }
          try_codes(trial, s, tried, found);
          if (found.gain <= reached) break;
          const bool stayed = found.codes.scale == middle.scale && found.codes.offset == middle.offset;
          middle = found.codes;
          if (stayed) break;
        }
        finish_choice(trial, s, found);
      }
      if (trial.gain > best.gain) best = trial;
      if (trial.gain <= before) break;
    }
  }

  static void start_choice(solution& trial) noexcept {
    trial.gain = 0.0;
    trial.refit = {};
  }
  void finish_choice(solution& trial, std::size_t s, const choice& found) const noexcept {
    trial.codes[s] = found.codes;
    trial.gain += found.gain;
    const double scale = found.codes.scale, offset = -found.codes.offset;
    refit_sums& sums = trial.refit;
    sums.scale_scale += product(product(scale, scale), found.sums.squares);
    sums.scale_offset += product(product(scale, offset), found.levels);
    sums.offset_offset += product(product(offset, offset), blocks_[s].sum_weight);
    sums.scale_x += product(scale, found.sums.with_x);
    sums.offset_x += product(offset, blocks_[s].sum_x);
  }

  /// Both super-scales by least squares, one after the other as stored.
  static void refit(solution& trial) noexcept {
    const refit_sums& sums = trial.refit;
    const double determinant =
        product(sums.scale_scale, sums.offset_offset) - product(sums.scale_offset, sums.scale_offset);
    if (determinant > 0.0) {
      trial.super_scale = nearest_half(
          (product(sums.scale_x, sums.offset_offset) - product(sums.scale_offset, sums.offset_x)) /
          determinant);
    }
    if (sums.offset_offset > 0.0) {
      trial.super_offset =
          nearest_half((sums.offset_x - product(sums.scale_offset, static_cast<double>(trial.super_scale))) /
                       sums.offset_offset);
    } else if (sums.scale_scale > 0.0) {
      trial.super_scale = nearest_half(sums.scale_x / sums.scale_scale);
    }
  }

  [[gnu::always_inline]] void write(const solution& found, block_codes<Format>& codes) const noexcept {
    codes.scale.super = found.super_scale;
    codes.offset.super = found.super_offset;
    for (std::size_t s = 0; s < sub_blocks; ++s) {
      codes.scale.sub[s] = static_cast<std::uint8_t>(found.codes[s].scale);
      codes.offset.sub[s] = static_cast<std::uint8_t>(found.codes[s].offset);
      std::array<std::int8_t, static_cast<std::size_t>(count)> levels{};
      if (codes.scale.sub[s] != 0) {
        write_levels<level_set>(blocks_[s], codes.scale_of(static_cast<int>(s)),
                                codes.offset_of(static_cast<int>(s)), levels.data());
      }
      for (std::size_t j = 0; j < levels.size(); ++j) {
        codes.elements[s * static_cast<std::size_t>(count) + j] = static_cast<std::uint8_t>(levels[j]);
      }
    }
  }
};

template <super_offset Format>
[[gnu::always_inline]] inline void encode(const float* x, const float* importance,
                                          block_codes<Format>& codes) noexcept {
  super_offset_search<Format> search(x, importance);
  search.run(codes);
}

/// Q4_1 and Q5_1: the best fits, scale and offset rounded to binary16 one after the other and refitted.
template <class Format>
requires(Format::has_offset&& Format::sub_blocks == 1)
    [[gnu::always_inline]] inline void encode(const float* x, const float* importance,
                                              block_codes<Format>& codes) noexcept {
  constexpr int most = Format::levels::most;
  using level_set = uniform_levels<0, most>;
  const weighted_elements<Format::elements> block(x, importance);
  const auto [low, high] = std::minmax_element(x, x + Format::elements);
  scale_offset_fit<Format::elements, most, 8> fit;
  fit.run(block, *low, *high, false);

  codes = {};
  const double mean = block.sum_weight > 0.0 ? block.sum_x / block.sum_weight : 0.0;
  codes.offset.super = nearest_half(mean);
  double best_gain = product(mean, block.sum_x);
  trial_batch batch;
  for (std::size_t lane = 0; lane < 8; ++lane) {
    batch.scale[lane] = fit.fits()[lane].scale;
    batch.offset[lane] = fit.fits()[lane].offset;
  }
  for (int pass = 0; pass < 5; ++pass) {
    for (std::size_t lane = 0; lane < 8; ++lane) {
      batch.scale[lane] = nearest_half(static_cast<double>(batch.scale[lane]));
      batch.offset[lane] = nearest_half(static_cast<double>(batch.offset[lane]));
    }
    fit_batch<level_set>(block, batch);
    for (std::size_t lane = 0; lane < 8; ++lane) {
      if (batch.scale[lane] == 0.0f || batch.gain[lane] <= best_gain) continue;
      best_gain = batch.gain[lane];
      codes.scale.super = batch.scale[lane];
      codes.offset.super = batch.offset[lane];
    }
    solve_batch(block, HUGE_VAL, batch);
  }
  if (codes.scale.super == 0.0f) return;
  std::array<std::int8_t, static_cast<std::size_t>(Format::elements)> levels;
  write_levels<level_set>(block, codes.scale.super, codes.offset.super, levels.data());
  std::copy(levels.begin(), levels.end(), codes.elements.begin());
}

}  // namespace bitgauge::gguf::best
