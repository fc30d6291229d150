#pragma once

/// \file
/// NormalFloat whose scales have a sign, with the levels that are best for blocks of one size.

#include <bitgauge/base/config.hpp>
#include <bitgauge/grid/codebook.hpp>
#include <bitgauge/grid/parameters.hpp>

#include <cstdint>
#include <vector>

namespace bitgauge {

/// The 2^bits levels, 2 to 6 bits, of least expected squared error for blocks of `block` independent normal
/// values, each divided by the one of largest magnitude *with its sign*: 0 and +1, which every block has, are
/// among them and nothing stands for -1 (BOF4-S: Blumenberg, Graave, Fingscheidt, "Improving Block-Wise LLM
/// Quantization by 4-bit Block-Wise Optimal Float", arXiv 2505.06653). With m the largest magnitude, of density
/// p(m), the error of a value is m (x - level): Lloyd's iteration runs on the density of x weighted by m^2,
///
///     g(x) = integral of m^3 phi(m) phi(m x) (2 Phi(m) - 1)^(block - 2) dm,
///
/// integrated numerically. Computed once for each (bits, block), at the first call from any thread, in some
/// 10 ms; in double arithmetic of +, -, * and / alone, none of which can be contracted, and rounded to binary32:
/// the same bits everywhere. Throws invalid_scheme for other bits and for blocks of less than 2.
BITGAUGE_DECLARE const std::vector<float>& signed_normal_float_levels(int bits, index_t block);

/// A grid of these levels. The scale of a group is its element of largest magnitude, below 0 where that is (the
/// positive one of two): it is stored as f32, f16 or bf16, which have a sign; other storages are refused.
///
///     auto q = quantize(W, signed_normal_float(4, 64), per_block{64});
class signed_normal_float {
 public:
  /// Throws as signed_normal_float_levels() does. A template, so that only who calls it compiles these.
  template <int = 0>
  signed_normal_float(int bits, index_t block) : codebook_(signed_normal_float_levels(bits, block)) {}

  int bits() const noexcept { return codebook_.bits(); }
  float level(int field) const noexcept { return codebook_.level(field); }
  int nearest(float value) const noexcept { return codebook_.nearest(value); }
  void encode(const float* x, index_t count, float inverse_scale, std::uint8_t* fields) const noexcept {
    codebook_.encode(x, count, inverse_scale, fields);
  }
  float scale_for(interval range) const noexcept { return range.high >= -range.low ? range.high : range.low; }
  /// The same levels below scales that are not negative; that there is such a member says that scales have a
  /// sign.
  const codebook_grid& with_positive_scales() const noexcept { return codebook_; }

 private:
  codebook_grid codebook_;
};

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/grid/signed_normal_float_definitions.hpp>
#endif
