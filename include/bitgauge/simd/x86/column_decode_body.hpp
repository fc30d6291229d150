// Floats by columns from codes with one instruction set of x86: see column_body.hpp, which comes before this.
#if defined(BITGAUGE_TIER)

namespace detail {

struct decoder {
  floats scale;
  integers shift;
};

struct make_decoders {
  const float* scale;
  const std::int32_t* zero_point;
  index_t stride, rows;
  int sign;
  [[BITGAUGE_TIER, gnu::always_inline]] decoder operator()(index_t i, index_t r) const {
    return {spread(scale + r * stride + i, stride, rows - r),
            sum(spread(zero_point + r * stride + i, stride, rows - r), all(sign))};
  }
};

[[BITGAUGE_TIER, gnu::always_inline]] inline floats decode_words(integers bytes, const decoder& d) {
  return product(d.scale, to_floats(difference(bytes, d.shift)));
}

inline constexpr index_t decoded_cols = 4 * width, decoded_stride = tall_rows + 16;

/// Four columns of some rows from their codes, a byte of each lane of `words` for each: `left` of them.
template <bool PastCaches, bool Whole>
[[BITGAUGE_TIER, gnu::always_inline]] inline void decode_four(const float* words, index_t rows, index_t left,
                                                              integers sign, const decoder* const (&d)[4],
                                                              index_t step, float* out,
                                                              index_t column_stride) {
  for (index_t r = 0; r < rows; r += width) {
    const integers bytes = exclusive_or(as_integers(load(words + r)), sign);
    const index_t b = r / width * step;
    const floats v[4] = {decode_words(byte_of<0>(bytes), d[0][b]),
                         decode_words(byte_of<1>(bytes), d[Whole ? 0 : 1][b]),
                         decode_words(byte_of<2>(bytes), d[Whole ? 0 : 2][b]),
                         decode_words(byte_of<3>(bytes), d[Whole ? 0 : 3][b])};
#pragma GCC unroll 4
    for (index_t k = 0; k < 4; ++k) {
      float* const to = out + k * column_stride + r;
      if (Whole)
        store<PastCaches>(to, v[k]);
      else if (k < left)
        store(to, lanes(rows - r), v[k]);
    }
  }
}

/// At most tall_rows rows.
template <bool PastCaches>
[[BITGAUGE_TIER]] inline void decode_rows_of(const std::uint8_t* codes, index_t row_stride, index_t cols,
                                             index_t begun, index_t run, const make_decoders& make,
                                             float* out, index_t column_stride) {
  alignas(64) float words[width * decoded_stride];
  run_slots<decoder, tall_rows> slots(run, begun, make.stride);
  const index_t rows = make.rows;
  const integers sign = all(make.sign * 0x01010101);
  for (index_t first = 0; first < cols; first += decoded_cols) {
    const index_t many = std::min(decoded_cols, cols - first);
    for (index_t r = 0; r < rows; r += width) {
      const std::uint8_t* const from = codes + r * row_stride + first;
      floats v[width];
#pragma GCC unroll 16
      for (int i = 0; i < width; ++i) {
        if (i >= rows - r) {
          v[i] = all(0.0f);
        } else if (many == decoded_cols) {
          v[i] = load(reinterpret_cast<const float*>(from + i * row_stride));
        } else {
          v[i] = load_bytes(from + i * row_stride, many);
        }
      }
      turn(v);
#pragma GCC unroll 16
      for (int i = 0; i < width; ++i) store(words + i * decoded_stride + r, v[i]);
    }
    for (index_t c = 0; c < many; c += 4) {
      const decoder* d[4];
      const index_t at = first + c, left = std::min<index_t>(4, many - c);
      slots.of_four(at, left, rows, make, d);
      const float* const from = words + c / 4 * decoded_stride;
      float* const to = out + at * column_stride;
      if (d[0] == d[3] && left == 4 && rows % width == 0)
        decode_four<PastCaches, true>(from, rows, left, sign, d, slots.step, to, column_stride);
      else
        decode_four<PastCaches, false>(from, rows, left, sign, d, slots.step, to, column_stride);
    }
  }
}

}  // namespace detail

[[BITGAUGE_TIER]] inline void decode_columns(const std::uint8_t* codes, index_t row_stride, index_t rows,
                                             index_t cols, index_t begun, index_t run, const float* scale,
                                             const std::int32_t* zero_point, index_t stride, bool is_signed,
                                             float* out, index_t column_stride, bool past_caches) {
  using namespace detail;
  const bool at_lines = reinterpret_cast<std::uintptr_t>(out) % 64 == 0 && column_stride % 16 == 0;
  for (index_t r = 0; r < rows; r += tall_rows) {
    const make_decoders make{scale + r * stride, zero_point + r * stride, stride,
                             std::min(tall_rows, rows - r), is_signed ? 0x80 : 0};
    const std::uint8_t* const from = codes + r * row_stride;
    if (past_caches && at_lines)
      decode_rows_of<true>(from, row_stride, cols, begun, run, make, out + r, column_stride);
    else
      decode_rows_of<false>(from, row_stride, cols, begun, run, make, out + r, column_stride);
  }
}

#endif  // BITGAUGE_TIER
