// The column primitives of one instruction set of x86. The columns.hpp of its folder includes this in the namespace of
// the set, after row.hpp, where BITGAUGE_TIER is the attribute that names the target, and what vectors.hpp, row.hpp and
// columns.hpp there define are the words it is written in. The lanes of a vector are rows. Codes of four columns share
// the lanes of one vector, a byte each, so that a square of vectors is turned for four of them.
#if defined(BITGAUGE_TIER)

namespace detail {

/// Rows whose parameters are kept in vectors, and columns whose codes are gathered before they are turned: writes of a
/// row go further than a line at a time, and 36 KiB of codes stay in a cache.
inline constexpr index_t tile_rows = 128, tile_cols = 256;
/// Rows whose extents are found, or whose floats are written, together.
inline constexpr index_t tall_rows = 256;
/// What is fetched ahead, in columns: they lie in a page each, which takes long to find.
inline constexpr index_t columns_ahead = 16;

[[BITGAUGE_TIER, gnu::always_inline]] inline void fetch_far(const float* x) {
  _mm_prefetch(reinterpret_cast<const char*>(x), _MM_HINT_T1);
}

[[BITGAUGE_TIER, gnu::always_inline]] inline floats spread(const float* x, index_t stride, index_t count) {
  if (stride == 0) return all(*x);
  alignas(64) float each[width] = {};
  for (index_t i = 0; i < std::min<index_t>(count, width); ++i) each[i] = x[i * stride];
  return load(each);
}
[[BITGAUGE_TIER, gnu::always_inline]] inline integers spread(const std::int32_t* x, index_t stride,
                                                             index_t count) {
  if (stride == 0) return all(static_cast<int>(*x));
  alignas(64) std::int32_t each[width] = {};
  for (index_t i = 0; i < std::min<index_t>(count, width); ++i) each[i] = x[i * stride];
  return load(each, lanes(width));
}

/// The parameters of the runs that four columns can be part of, each made when it is first met; `Part` is what a
/// vector of rows needs. Columns are asked for in their order.
template <class Part, index_t Rows>
struct run_slots {
  Part parts[4][static_cast<std::size_t>(Rows / width)];
  index_t run, next;  ///< where the run of the column last asked for ends
  index_t step;       ///< from the part of a vector of rows to that of the next: 0 where all rows share one
  index_t i = -1;

  run_slots(index_t of_run, index_t begun, index_t stride)
      : run(of_run), next(-begun), step(stride == 0 ? 0 : 1) {}

  /// Those of column c.
  template <class Make>
  [[BITGAUGE_TIER, gnu::always_inline]] const Part* of(index_t c, index_t rows, const Make& make) {
    while (c >= next) {
      i += 1;
      next += run;
      for (index_t b = 0; b * width < (step == 0 ? 1 : rows); ++b) parts[i % 4][b] = make(i, b * width);
    }
    return parts[i % 4];
  }
  /// Those of the columns c .. c + count - 1, count from 1 to 4; the last is repeated.
  template <class Make>
  [[BITGAUGE_TIER, gnu::always_inline]] void of_four(index_t c, index_t count, index_t rows, const Make& make,
                                                     const Part* (&found)[4]) {
    for (index_t k = 0; k < 4; ++k) found[k] = of(c + std::min(k, count - 1), rows, make);
  }
};

struct make_encoders {
  const float* inverse;
  const std::int32_t* zero_point;
  index_t stride, rows;
  int lowest, highest;
  [[BITGAUGE_TIER, gnu::always_inline]] encoder operator()(index_t i, index_t r) const {
    return make_encoder(spread(inverse + r * stride + i, stride, rows - r),
                        spread(zero_point + r * stride + i, stride, rows - r), lowest, highest);
  }
};

/// The code of one element of four whole columns each, as bytes of words. `Fetch`: see column_panel.
template <bool Fetch>
[[BITGAUGE_TIER, gnu::always_inline]] inline void encode_words(const column_panel& x, const float* from,
                                                               index_t far, const encoder& e0,
                                                               const encoder& e1, const encoder& e2,
                                                               const encoder& e3, float* words) {
  for (index_t k = 0; Fetch && k < 4; ++k) fetch_far(from + k * x.stride + far);
  const float *const second = from + x.stride, *const third = second + x.stride,
                     *const fourth = third + x.stride;
  store(words, as_floats(joined_bytes(encode_lanes(load(from), e0), encode_lanes(load(second), e1),
                                      encode_lanes(load(third), e2), encode_lanes(load(fourth), e3))));
}

/// Four whole columns of a tile, all of one run or with parameters that all rows share.
template <bool Fetch>
[[BITGAUGE_TIER, gnu::always_inline]] inline void encode_four(const column_panel& x, const float* from,
                                                              index_t far, const encoder* const (&e)[4],
                                                              index_t step, float* words) {
  if (e[0] == e[3]) {
    for (index_t b = 0; b < x.rows / width; ++b) {
      const encoder same = e[0][b * step];
      encode_words<Fetch>(x, from + b * width, far, same, same, same, same, words + b * width);
    }
  } else {
    const encoder e0 = *e[0], e1 = *e[1], e2 = *e[2], e3 = *e[3];
    for (index_t b = 0; b < x.rows / width; ++b)
      encode_words<Fetch>(x, from + b * width, far, e0, e1, e2, e3, words + b * width);
  }
}

/// Any columns, `left` of which there are.
[[BITGAUGE_TIER]] inline void encode_some(const column_panel& x, const float* from, index_t left,
                                          const encoder* const (&e)[4], index_t step, float* words) {
  for (index_t r = 0; r < x.rows; r += width) {
    integers codes[4];
    for (int k = 0; k < 4; ++k)
      codes[k] = k < left
                     ? encode_lanes(load(from + k * x.stride + r, lanes(x.rows - r)), e[k][r / width * step])
                     : all(0);
    store(words + r, as_floats(joined_bytes(codes[0], codes[1], codes[2], codes[3])));
  }
}

inline constexpr index_t words_of_tile = tile_cols / 4, words_stride = tile_rows + 16;

/// Writes the codes of `rows` rows, `cols` of each.
template <bool PastCaches>
[[BITGAUGE_TIER, gnu::always_inline]] inline void turn_words(const float* words, index_t rows, index_t cols,
                                                             std::uint8_t* codes, index_t row_stride) {
  for (index_t r = 0; r < rows; r += width) {
    for (index_t c = 0; c < cols; c += 4 * width) {
      const float* const from = words + c / 4 * words_stride + r;
      const index_t left = cols - c;
      floats v[width];
#pragma GCC unroll 16
      for (int i = 0; i < width; ++i) v[i] = 4 * i < left ? load(from + i * words_stride) : all(0.0f);
      turn(v);
      std::uint8_t* const to = codes + r * row_stride + c;
      if (left >= 4 * width && rows - r >= width) {
#pragma GCC unroll 16
        for (int i = 0; i < width; ++i)
          store<PastCaches>(reinterpret_cast<float*>(to + i * row_stride), v[i]);
      } else {
        for (index_t i = 0; i < std::min<index_t>(rows - r, width); ++i)
          store_bytes(to + i * row_stride, left, v[i]);
      }
    }
  }
}

/// At most tile_rows rows.
[[BITGAUGE_TIER]] inline void encode_rows_of(const column_panel& x, index_t run, const make_encoders& make,
                                             std::uint8_t* codes, index_t row_stride, bool past_caches) {
  alignas(64) float words[words_of_tile * words_stride];
  run_slots<encoder, tile_rows> slots(run, x.begun, make.stride);
  for (index_t first = 0; first < x.cols; first += tile_cols) {
    const index_t cols = std::min(tile_cols, x.cols - first);
    for (index_t c = 0; c < cols; c += 4) {
      const encoder* e[4];
      const index_t at = first + c, left = std::min<index_t>(4, x.cols - at);
      slots.of_four(at, left, x.rows, make, e);
      const float* const from = x.x + at * x.stride;
      float* const to = words + c / 4 * words_stride;
      const index_t far = at + columns_ahead + 4 <= x.cols + x.behind ? columns_ahead * x.stride : 0;
      if (left < 4 || x.rows % width != 0 || (e[0] != e[3] && slots.step != 0))
        encode_some(x, from, left, e, slots.step, to);
      else if (x.is_near)
        encode_four<false>(x, from, far, e, slots.step, to);
      else
        encode_four<true>(x, from, far, e, slots.step, to);
    }
    if (past_caches)
      turn_words<true>(words, x.rows, cols, codes + first, row_stride);
    else
      turn_words<false>(words, x.rows, cols, codes + first, row_stride);
  }
}

/// The extents of one run of some rows so far.
struct extents_of_rows {
  static constexpr index_t blocks = tall_rows / width;
  floats low[blocks], high[blocks];
};

template <int Columns>
[[BITGAUGE_TIER, gnu::always_inline]] inline void widen_columns(extents_of_rows& e, integers& largest,
                                                                const float* x, index_t stride, index_t rows,
                                                                index_t far) {
  for (index_t b = 0; b * width < rows; ++b) {
    extent all_rows{e.low[b], e.high[b]};
    const bool whole = (b + 1) * width <= rows;
#pragma GCC unroll 4
    for (int k = 0; k < Columns; ++k) {
      const float* const at = x + k * stride + b * width;
      fetch_far(at + far);
      widen(all_rows, largest, whole ? load(at) : load(at, lanes(rows - b * width)));
    }
    e.low[b] = all_rows.low;
    e.high[b] = all_rows.high;
  }
}

[[BITGAUGE_TIER, gnu::always_inline]] inline void put_each(float* to, index_t stride, index_t count,
                                                           floats v) {
  alignas(64) float each[width];
  store(each, v);
  for (index_t i = 0; i < std::min<index_t>(count, width); ++i) to[i * stride] = each[i];
}

}  // namespace detail

[[BITGAUGE_TIER]] inline std::uint32_t column_extents(const column_panel& x, index_t run, float* low,
                                                      float* high, index_t stride) {
  using namespace detail;
  integers largest = all(0);
  extents_of_rows e;
  for (index_t first = 0; first < x.rows; first += tall_rows) {
    const index_t rows = std::min(tall_rows, x.rows - first);
    for (index_t begin = 0, i = 0; begin < x.cols; begin += run, ++i) {
      for (index_t b = 0; b < extents_of_rows::blocks; ++b) e.low[b] = e.high[b] = all(0.0f);
      const index_t end = std::min(begin + run, x.cols);
      for (index_t c = begin; c < end;) {
        const float* const from = x.x + c * x.stride + first;
        const index_t far = c + columns_ahead + 4 <= x.cols + x.behind ? columns_ahead * x.stride : 0;
        if (c + 4 <= end) {
          widen_columns<4>(e, largest, from, x.stride, rows, far);
          c += 4;
        } else {
          widen_columns<1>(e, largest, from, x.stride, rows, far);
          c += 1;
        }
      }
      for (index_t b = 0; b * width < rows; ++b) {
        const index_t at = (first + b * width) * stride + i;
        put_each(low + at, stride, rows - b * width, e.low[b]);
        put_each(high + at, stride, rows - b * width, e.high[b]);
      }
    }
  }
  return greatest_lane(largest);
}

[[BITGAUGE_TIER]] inline void encode_columns(const column_panel& x, index_t run, const float* inverse,
                                             const std::int32_t* zero_point, index_t stride, int lowest,
                                             int highest, std::uint8_t* codes, index_t row_stride,
                                             bool past_caches) {
  using namespace detail;
  const bool at_lines = reinterpret_cast<std::uintptr_t>(codes) % 64 == 0 && row_stride % 64 == 0;
  for (index_t r = 0; r < x.rows; r += tile_rows) {
    column_panel tile = x;
    tile.x += r;
    tile.rows = std::min(tile_rows, x.rows - r);
    encode_rows_of(tile, run,
                   {inverse + r * stride, zero_point + r * stride, stride, tile.rows, lowest, highest},
                   codes + r * row_stride, row_stride, past_caches && at_lines);
  }
}

#endif  // BITGAUGE_TIER
