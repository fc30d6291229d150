#pragma once

/// \file
/// Encodes rows of a tensor whose type is known at run time.

#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/block_importance.hpp>
#include <bitgauge/gguf/encode_blocks.hpp>
#include <bitgauge/gguf/format/visit_format.hpp>
#include <bitgauge/gguf/overflow.hpp>
#include <bitgauge/gguf/row.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/row.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

namespace bitgauge::gguf {

namespace detail {

/// Writes a row of f32, f16 or bf16, little-endian, rounded to nearest even. True where `type` is one of
/// these.
inline bool encode_plain_row(tensor_type type, const float* x, index_t columns, std::uint8_t* out) {
  const auto each_pattern = [&](auto from_float) {
    for (index_t j = 0; j < columns; ++j) {
      const std::uint16_t pattern = from_float(x[j]);
      out[2 * j] = static_cast<std::uint8_t>(pattern & 255u);
      out[2 * j + 1] = static_cast<std::uint8_t>(pattern >> 8);
    }
  };
  switch (type) {
    case tensor_type::f32:
      for (index_t j = 0; j < columns; ++j) float_scale::pack({x[j], {}}, out + 4 * j);
      return true;
    case tensor_type::f16:
      each_pattern(numeric::half_from_float);
      return true;
    case tensor_type::bf16:
      each_pattern(numeric::bfloat16_from_float);
      return true;
    default:
      return false;
  }
}

/// Finite numbers that became infinity in a row of f16 or bf16: a data_error, or the largest finite number.
inline void mend_plain_overflow(tensor_type type, const float* x, index_t columns, const row_place& place,
                                std::uint8_t* out) {
  if (type != tensor_type::f16 && type != tensor_type::bf16) return;
  const unsigned infinity = type == tensor_type::f16 ? 0x7c00u : 0x7f80u;
  for (index_t j = 0; j < columns; ++j) {
    const auto pattern = static_cast<unsigned>(out[2 * j] | out[2 * j + 1] << 8);
    if ((pattern & 0x7fffu) != infinity || !numeric::is_finite(x[j])) continue;
    if (!place.saturates)
      raise(data_error("row " + std::to_string(place.row) + ", column " + std::to_string(place.column + j) +
                       ": " + std::to_string(x[j]) + " overflows " + std::string(traits_of(type).name) +
                       ": store it as " + (type == tensor_type::f16 ? "bf16 or f32" : "f32") +
                       " (or ask for nonfinite::saturate)"));
    const unsigned largest = pattern - 1;
    out[2 * j] = static_cast<std::uint8_t>(largest & 255u);
    out[2 * j + 1] = static_cast<std::uint8_t>(largest >> 8);
  }
}

inline float greatest_magnitude(const float* x, index_t columns) noexcept {
  float low, high;
  return std::bit_cast<float>(simd::row_kernels().extents(x, columns, columns, &low, &high));
}

}  // namespace detail

/// Encodes a row: `columns` finite floats to row_bytes(type, columns) bytes.
///
/// effort::reference gives ggml's bytes (its `ggml_quantize_chunk`), with and without importance.
/// effort::fast takes the scale from the extreme element, as ggml does, for Q8_0, for Q4_0 and Q5_0 without
/// importance (gguf/fast/extreme_scale.hpp) and for what has no other rule than that (Q1_0, Q2_0, Q8_1, Q8_K, TQ1_0,
/// TQ2_0: ggml's bytes); the other types of up to eight bits are searched as by effort::normal.
/// effort::normal searches in vectors (gguf/fast/search.hpp), and finds less error than ggml on all but the
/// rarest data. Formats with one scale a block: within 1 % of the RMSE of effort::best on Gaussian, Laplace
/// and Student-t data without importance, 2 % with one (Q8_K 5 %), and never more error than by ggml's rule
/// of the extreme; 0.4 to 3 GB of floats a second and thread with AVX-512 (IQ4_NL 0.2 to 0.3). Numbers so
/// small that a scale rounds badly are encoded as by effort::best.
/// effort::best has the least error found here: the optimum for the formats with one scale and for MXFP4 and
/// NVFP4, and for the others with an encoder of ggml's here never more than that one on any block. IQ1, IQ2
/// and IQ3 have one encoder, that of effort::best, at every effort, and no encoder of ggml's beside it: it
/// has less error than ggml's over a row, but not on every block (more on some 3 in 100,000, of IQ1_S and
/// IQ3_XXS).
///
/// \param importance one weight from 0 up a column, or null: the error that counts is sum w (x - q)^2. Where
/// all weights of a block or sub-block are 0 the plain error decides; see gguf/block_importance.hpp, but for
/// effort::reference
///
/// \param known what the caller has found out about the row, for speed
///
/// \param place names the row in messages, and says what becomes of numbers beyond what `type` can store;
/// effort::reference stores infinity or NaN there, as ggml does
///
/// Raises shape_error for a row that blocks do not divide, invalid_scheme for integer types and f64, and
/// data_error for finite numbers that `type` cannot store.
inline void encode_row(tensor_type type, const float* x, index_t columns, const float* importance,
                       effort level, std::byte* row, const row_hints& known = {},
                       const row_place& place = {}) {
  row_bytes(type, columns);
  auto* out = reinterpret_cast<std::uint8_t*>(row);
  simd::require_instruction_set();
  if (detail::encode_plain_row(type, x, columns, out)) {
    if (level != effort::reference) detail::mend_plain_overflow(type, x, columns, place, out);
    return;
  }
  visit_format(type, [&]<class Format>(Format) {
    if (columns == 0) return;
    if constexpr (Format::has_reference) {
      if (level == effort::reference) return encode_blocks<Format>(x, columns, importance, level, out);
    }
    const sound_importance weights(importance, columns, Format::elements);
    encode_blocks<Format>(x, columns, weights.data(), level, out, known);
    const float greatest = known.greatest < 0.0f ? detail::greatest_magnitude(x, columns) : known.greatest;
    mend_overflow<Format>(
        x, columns, weights.data(), greatest, place,
        [&](const float* values, const float* weight, std::uint8_t* bytes) {
          encode_blocks<Format>(values, Format::elements, weight, level, bytes);
        },
        out);
  });
}

}  // namespace bitgauge::gguf
