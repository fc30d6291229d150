// What row_body.hpp and transpose_body.hpp share, made of the words that vectors.hpp of a set's folder defines: it
// includes this last.
#if defined(BITGAUGE_TIER)

template <bool Greatest>
[[BITGAUGE_TIER, gnu::always_inline]] inline floats choose(floats a, floats b) {
  return Greatest ? greater(a, b) : smaller(a, b);
}

/// Writes to each 128 bits of out[r] those of a, b, c, d, turned: lane r of each.
[[BITGAUGE_TIER, gnu::always_inline]] inline void turn_4(floats a, floats b, floats c, floats d,
                                                         floats* out) {
  const floats ab_low = interleaved_low(a, b), ab_high = interleaved_high(a, b);
  const floats cd_low = interleaved_low(c, d), cd_high = interleaved_high(c, d);
  out[0] = joined_low(ab_low, cd_low);
  out[1] = joined_high(ab_low, cd_low);
  out[2] = joined_low(ab_high, cd_high);
  out[3] = joined_high(ab_high, cd_high);
}

/// Fetches the columns of a matrix some columns before they are read, a line at a time, each from its first row to
/// its last: columns lie far apart, and no processor foresees the next, but memory is fastest where it is read on.
struct column_fetcher {
  static constexpr index_t line = 16, ahead = 16;  // floats, columns

  const float* x;  ///< where lines begin: at or before the first row
  index_t column_stride, cols, lines;
  index_t column = ahead, row = 0, end = 0;

  column_fetcher(const float* from, index_t stride, index_t rows, index_t columns)
      : column_stride(stride), cols(columns) {
    const auto beyond = static_cast<index_t>(reinterpret_cast<std::uintptr_t>(from) / sizeof(float)) % line;
    x = from - beyond;
    lines = (beyond + rows + line - 1) / line;
  }

  /// Columns from c on are read next.
  void come_to(index_t c) { end = std::min(c + ahead + width, cols); }

  /// One line. Between stores: many at once would keep those waiting.
  [[BITGAUGE_TIER, gnu::always_inline]] inline void advance() {
    if (column >= end) return;
    _mm_prefetch(reinterpret_cast<const char*>(x + column * column_stride + row * line), _MM_HINT_T0);
    row += 1;
    const bool ends = row == lines;
    row = ends ? 0 : row;
    column += ends ? 1 : 0;
  }
};

/// What a run's elements are encoded with.
struct encoder {
  floats inverse, low, high;
  integers zero_point;
};

[[BITGAUGE_TIER, gnu::always_inline]] inline integers encode_lanes(floats x, const encoder& e) {
  const floats steps = smaller(greater(product(x, e.inverse), e.low), e.high);
  return sum(nearest_integers(steps), e.zero_point);
}

#endif  // BITGAUGE_TIER
