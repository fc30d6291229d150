#pragma once

/// \file
/// Encodes rows of a tensor whose type is known at run time.

#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/best_row.hpp>
#include <bitgauge/gguf/quick_row.hpp>
#include <bitgauge/gguf/quick_search.hpp>
#include <bitgauge/gguf/row.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

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

template <class Format>
void encode_as_reference(const float* x, index_t columns, const float* importance,
                         reference::block_context context, std::uint8_t* out) noexcept {
  for (index_t j = 0; j < columns; j += Format::elements, out += Format::bytes) {
    if (importance != nullptr) context.importance = importance + j;
    block_codes<Format> codes;
    reference::encode(x + j, context, codes);
    pack(codes, out);
  }
}

}  // namespace detail

/// Encodes a row: `columns` finite floats to row_bytes(type, columns) bytes.
///
/// effort::reference gives ggml's bytes (its `ggml_quantize_chunk`), with and without importance.
/// effort::fast takes the scale from the extreme element, as ggml does, for Q8_0, for Q4_0 and Q5_0 without
/// importance (gguf/quick_row.hpp) and for what has no other rule than that (Q1_0, Q2_0, Q8_1, Q8_K, TQ1_0,
/// TQ2_0: ggml's bytes); the other types of up to eight bits are searched as by effort::normal.
/// effort::normal searches in vectors (gguf/quick_search.hpp), and finds less error than ggml on all but the
/// rarest data. Formats with one scale a block: within 1 % of the RMSE of effort::best on Gaussian, Laplace
/// and Student-t data without importance, 2 % with one (Q8_K 5 %), and never more error than by ggml's rule
/// of the extreme; 0.4 to 3 GB of floats a second and thread with AVX-512 (IQ4_NL 0.2 to 0.3). effort::best
/// has the least error found here: the optimum for the formats with one scale and for MXFP4 and NVFP4, and
/// for the others never more than ggml's on any block. IQ1, IQ2 and IQ3 have one encoder, that of
/// effort::best, at every effort.
///
/// \param importance one positive weight a column, or null: the error that counts is sum w (x - q)^2
///
/// \param known what the caller has found out about the row, for speed
///
/// Raises shape_error for a row that blocks do not divide and invalid_scheme for integer types and f64.
inline void encode_row(tensor_type type, const float* x, index_t columns, const float* importance,
                       effort level, std::byte* row, const row_knowledge& known = {}) {
  row_bytes(type, columns);
  auto* out = reinterpret_cast<std::uint8_t*>(row);
  if (detail::encode_plain_row(type, x, columns, out)) return;
  reference::block_context context;
  if (importance != nullptr && columns > 0) {
    context.row_mean_square = reference::sum_of_squares(x, columns) / static_cast<float>(columns);
  }
  visit_format(type, [&]<class Format>(Format) {
    if (level == effort::fast || level == effort::normal) {
      if constexpr (quick::encodable<Format>) {
        if (level == effort::fast && (importance == nullptr || std::same_as<Format, q8_0>)) {
          return quick::encode_blocks<Format>(x, columns, known, out);
        }
      }
      if constexpr (quick::searched<Format>) {
        if (level == effort::normal || quick::searched_when_fast<Format>) {
          return quick::search_blocks<Format>(x, columns, importance, out);
        }
      }
    }
    if constexpr (best::has_reference<Format>) {
      if (level != effort::best) {
        detail::encode_as_reference<Format>(x, columns, importance, context, out);
        return;
      }
    }
    best::encode_blocks<Format>(x, columns, importance, context, out);
  });
}

}  // namespace bitgauge::gguf
