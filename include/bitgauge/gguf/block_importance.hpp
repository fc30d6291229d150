#pragma once

/// \file
/// Importance as the encoders of blocks need it: in every block some weight counts, and none is so small that
/// sums lose it.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace bitgauge::gguf {

/// How many blocks of `elements` columns (the last may be shorter) have no weight above 0. There the weighted
/// error is 0 whatever is stored, and the encoders let the plain error decide. Cost: one pass.
inline index_t blocks_without_importance(std::span<const float> weights, index_t elements) {
  index_t found = 0;
  const auto columns = static_cast<index_t>(weights.size());
  for (index_t first = 0; first < columns; first += elements) {
    const auto block = weights.subspan(static_cast<std::size_t>(first),
                                       static_cast<std::size_t>(std::min(elements, columns - first)));
    found += std::none_of(block.begin(), block.end(), [](float w) { return numeric::magnitude_bits(w) != 0; })
                 ? 1
                 : 0;
  }
  return found;
}

/// The importance of a row, mended block by block where it must be:
///
/// - a block of zeros alone gets weights of 1: the plain error decides;
/// - elsewhere no weight is less than 2^-24 of the block's greatest: an element without importance takes the
///   nearest of the levels that the others ask for, and a sub-block without any is fitted by its plain error;
/// - a block whose greatest weight lies outside 2^-40 .. 2^40 is divided by a power of two, so that no sum of
///   products can overflow or vanish.
///
/// Weights that need none of it are read where they lie. Cost: one pass, and a copy where something is
/// mended.
class sound_importance {
 public:
  /// `weights` is null or one weight from 0 up for each of `columns`, blocks of `elements`, a multiple of 16.
  sound_importance(const float* weights, index_t columns, index_t elements) : data_(weights) {
    if (weights == nullptr || columns == 0) return;
    if (extent_of(weights, columns).is_sound()) return;  // then every block is
    mended_.assign(weights, weights + columns);
    for (index_t first = 0; first < columns; first += elements) {
      float* const block = mended_.data() + first;
      const extent of_block = extent_of(block, elements);
      if (!of_block.is_sound()) mend(of_block, block, elements);
    }
    data_ = mended_.data();
  }

  const float* data() const noexcept { return data_; }

 private:
  static constexpr float least_share = 0x1p-24f;

  struct extent {
    float least, greatest;
    bool is_sound() const noexcept {
      return greatest >= 0x1p-40f && greatest <= 0x1p40f && least >= greatest * least_share;
    }
  };

  static extent extent_of(const float* weights, index_t elements) noexcept {
    std::array<float, 16> least, greatest;
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      using lanes = simd::lanes<width()>;
      lanes low = lanes::load(weights), high = low;
      for (index_t j = lanes::count; j < elements; j += lanes::count) {
        const lanes weight = lanes::load(weights + j);
        low = smaller(low, weight);
        high = greater(high, weight);
      }
      low.store(least.data());
      high.store(greatest.data());
    });
    return {*std::min_element(least.begin(), least.end()),
            *std::max_element(greatest.begin(), greatest.end())};
  }

  static void mend(const extent& of_block, float* weights, index_t elements) noexcept {
    if (numeric::magnitude_bits(of_block.greatest) == 0) {
      std::fill_n(weights, elements, 1.0f);
      return;
    }
    // by two factors, as one could leave the range of float
    const bool far = !(of_block.greatest >= 0x1p-40f && of_block.greatest <= 0x1p40f);
    const int exponent = far ? std::ilogb(of_block.greatest) : 0;
    const float half = std::scalbn(1.0f, -(exponent / 2)), rest = std::scalbn(1.0f, exponent / 2 - exponent);
    const float floor = of_block.greatest * half * rest * least_share;
    for (index_t j = 0; j < elements; ++j) weights[j] = std::max(weights[j] * half * rest, floor);
  }

  const float* data_;
  std::vector<float> mended_;
};

}  // namespace bitgauge::gguf
