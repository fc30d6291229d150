#pragma once

/// \file
/// Encodes rows of a tensor whose type is known at run time.

#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/rows/row.hpp>

#include <cstddef>

namespace bitgauge::gguf {

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
/// small that a scale rounds badly are encoded as by effort::best. IQ1, IQ2 and IQ3 (gguf/fast/vector_codebook.hpp,
/// at every effort below best): within 2 % of the RMSE of effort::best, 5 % with an importance that varies widely, some
/// 40 times as fast with AVX-512.
/// effort::best has the least error found here: the optimum for the formats with one scale and for MXFP4 and
/// NVFP4, and for the others with an encoder of ggml's here never more than that one on any block. There is none
/// for IQ1, IQ2 and IQ3, which have less error than ggml's over a row, but not on every block (more on some 3 in
/// 100,000, of IQ1_S and IQ3_XXS).
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
BITGAUGE_DECLARE void encode_row(tensor_type type, const float* x, index_t columns, const float* importance,
                                 effort level, std::byte* row, const row_hints& known = {},
                                 const row_place& place = {});

}  // namespace bitgauge::gguf

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/gguf/rows/encode_row_definitions.hpp>
#endif
