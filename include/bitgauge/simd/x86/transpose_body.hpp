// Column-major to row-major with one instruction set of x86: see row_body.hpp. The transpose.hpp of the set's folder
// has before this what turns one block of width x width elements in registers.
#if defined(BITGAUGE_TIER)

[[BITGAUGE_TIER]] inline void transpose(const float* x, index_t column_stride, index_t rows, index_t cols,
                                        float* out, index_t row_stride) {
  using namespace detail;
  constexpr index_t ahead = 32;  // columns lie far apart: no processor foresees the next
  // the shorter side inside: what lies together in a column, read or written, is used up at once
  const bool wide = rows <= cols;
  for (index_t outer = 0; outer < (wide ? cols : rows); outer += width) {
    for (index_t inner = 0; inner < (wide ? rows : cols); inner += width) {
      const index_t r = wide ? inner : outer, c = wide ? outer : inner;
      const float* const from = x + c * column_stride + r;
      float* const to = out + r * row_stride + c;
      for (index_t i = c + ahead; i < std::min(c + ahead + width, cols); ++i)
        _mm_prefetch(reinterpret_cast<const char*>(x + i * column_stride + std::min(r + 15, rows - 1)),
                     _MM_HINT_T1);
      if (r + width <= rows && c + width <= cols)
        transpose_block(from, column_stride, to, row_stride);
      else
        transpose_edge(from, column_stride, std::min<index_t>(rows - r, width),
                       std::min<index_t>(cols - c, width), to, row_stride);
    }
  }
}

#endif  // BITGAUGE_TIER
