// Column-major to row-major with one instruction set of x86: see row_body.hpp. The transpose.hpp of the set's folder
// has before this what turns one block of width x width elements in registers.
#if defined(BITGAUGE_TIER)

namespace detail {

/// Fetches the columns of a matrix some columns before they are read, each from its first row to its last: columns lie
/// far apart, and no processor foresees the next, but memory is fastest where it is read on.
struct column_fetcher {
  static constexpr index_t line = 16, ahead = 16;  // floats, columns

  const float* x;
  index_t column_stride, rows, cols;
  index_t column = ahead, row = 0;

  /// What is due while a block is turned.
  [[BITGAUGE_TIER, gnu::always_inline]] inline void advance() {
    for (int i = 0; i < width * width / line && column < cols; ++i) {
      _mm_prefetch(reinterpret_cast<const char*>(x + column * column_stride + row), _MM_HINT_T0);
      row += line;
      if (row >= rows) {
        row = 0;
        ++column;
      }
    }
  }
};

template <bool PastCaches>
[[BITGAUGE_TIER]] inline void transpose_blocks(const float* x, index_t column_stride, index_t rows,
                                               index_t cols, float* out, index_t row_stride) {
  // the shorter side inside: what lies together in a column, read or written, is used up at once
  const bool wide = rows <= cols;
  column_fetcher next{x, column_stride, rows, wide ? cols : 0};
  for (index_t outer = 0; outer < (wide ? cols : rows); outer += width) {
    for (index_t inner = 0; inner < (wide ? rows : cols); inner += width) {
      const index_t r = wide ? inner : outer, c = wide ? outer : inner;
      const float* const from = x + c * column_stride + r;
      float* const to = out + r * row_stride + c;
      next.advance();
      if (r + width <= rows && c + width <= cols)
        transpose_block<PastCaches>(from, column_stride, to, row_stride);
      else
        transpose_edge(from, column_stride, std::min<index_t>(rows - r, width),
                       std::min<index_t>(cols - c, width), to, row_stride);
    }
  }
}

}  // namespace detail

[[BITGAUGE_TIER]] inline void transpose(const float* x, index_t column_stride, index_t rows, index_t cols,
                                        float* out, index_t row_stride, bool past_caches) {
  const bool at_lines = reinterpret_cast<std::uintptr_t>(out) % 64 == 0 && row_stride % 16 == 0;
  if (past_caches && at_lines)
    detail::transpose_blocks<true>(x, column_stride, rows, cols, out, row_stride);
  else
    detail::transpose_blocks<false>(x, column_stride, rows, cols, out, row_stride);
}

#endif  // BITGAUGE_TIER
