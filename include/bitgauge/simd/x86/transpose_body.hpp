// Column-major to row-major with one instruction set of x86: see row_body.hpp. The transpose.hpp of the set's folder
// has before this what turns one block of width x width elements in registers.
#if defined(BITGAUGE_TIER)

namespace detail {

template <bool PastCaches>
[[BITGAUGE_TIER, gnu::always_inline]] inline void transpose_at(const float* x, index_t column_stride,
                                                               index_t rows, index_t cols, float* out,
                                                               index_t row_stride, index_t r, index_t c,
                                                               column_fetcher& next) {
  const float* const from = x + c * column_stride + r;
  float* const to = out + r * row_stride + c;
  if (r + width <= rows && c + width <= cols)
    transpose_block<PastCaches>(from, column_stride, to, row_stride, next);
  else
    transpose_edge(from, column_stride, std::min<index_t>(rows - r, width),
                   std::min<index_t>(cols - c, width), to, row_stride);
}

/// The shorter side inside: what lies together in a column, read or written, is used up at once. One pair of loops for
/// both, as a block is long to compile.
template <bool PastCaches>
[[BITGAUGE_TIER]] inline void transpose_blocks(const float* x, index_t column_stride, index_t rows,
                                               index_t cols, float* out, index_t row_stride) {
  const bool down = rows <= cols;
  column_fetcher next(x, column_stride, rows, down ? cols : 0);  // along rows it has nothing to fetch
  const bool at_lines = !down || next.lines * column_fetcher::line <= rows;
  const index_t outer_end = down ? cols : rows, inner_end = down ? rows : cols;
  for (index_t outer = 0; outer < outer_end; outer += width) {
    next.come_to(outer);
    for (index_t inner = 0; inner < inner_end; inner += width) {
      transpose_at<PastCaches>(x, column_stride, rows, cols, out, row_stride, down ? inner : outer,
                               down ? outer : inner, next);
      for (int i = 0; i < 2 && !at_lines; ++i) next.advance();
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
