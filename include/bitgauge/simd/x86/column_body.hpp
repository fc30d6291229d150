// The column primitives of one instruction set of x86. The columns.hpp of its folder includes this in the namespace of
// the set, after row.hpp, where BITGAUGE_TIER is the attribute that names the target, and what vectors.hpp, row.hpp and
// columns.hpp there define are the words it is written in. The lanes of a vector are rows. Codes of four columns share
// the lanes of one vector, a byte each, so that a square of vectors is turned for four of them.
#if defined(BITGAUGE_TIER)

namespace detail {

/// Rows whose parameters are kept in vectors, and columns whose codes are gathered before they are turned: writes of a
/// row go further than a line at a time, and 36 KiB of codes stay in a cache.
inline constexpr index_t tile_rows = 128, tile_cols = 256, blocks = tile_rows / width;
/// What is fetched ahead, in columns: they lie in a page each, which takes long to find.
inline constexpr index_t columns_ahead = 32;

[[BITGAUGE_TIER, gnu::always_inline]] inline void fetch_far(const float* x) {
  _mm_prefetch(reinterpret_cast<const char*>(x), _MM_HINT_T1);
}

[[BITGAUGE_TIER, gnu::always_inline]] inline floats spread(const float* x, index_t stride, index_t count) {
  if (stride == 0) return all(*x);
  alignas(64) float each[width] = {};
  for (index_t i = 0; i < std::min<index_t>(count, width); ++i) each[i] = x[i * stride];
  return load(each);
}
[[BITGAUGE_TIER, gnu::always_inline]] inline integers spread(const std::int32_t* x, index_t stride, index_t count) {
  if (stride == 0) return all(static_cast<int>(*x));
  alignas(64) std::int32_t each[width] = {};
  for (index_t i = 0; i < std::min<index_t>(count, width); ++i) each[i] = x[i * stride];
  return load(each, lanes(width));
}

/// The parameters of the runs that four columns can be part of, each made when it is first met; `Part` is what a
/// vector of rows needs.
template <class Part>
struct run_slots {
  Part parts[4][blocks];
  index_t made = -1;

  /// Those of run i, which never decreases.
  template <class Make>
  [[BITGAUGE_TIER, gnu::always_inline]] const Part* of(index_t i, index_t rows, const Make& make) {
    Part* const slot = parts[i % 4];
    if (i > made) {
      made = i;
      for (index_t b = 0; b * width < rows; ++b) slot[b] = make(i, b * width);
    }
    return slot;
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

/// Four columns of a tile, `left` of which there are, as bytes of words.
template <bool Whole>
[[BITGAUGE_TIER, gnu::always_inline]] inline void encode_four(const float* x, index_t stride, index_t rows,
                                                              index_t left, const encoder* const (&e)[4],
                                                              index_t far, index_t below, float* words) {
  for (index_t b = 0; b < (Whole ? rows / width : (rows + width - 1) / width); ++b) {
    integers codes[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      const float* const at = x + k * stride + b * width;
      if (Whole) {
        fetch_far(at + far);
        if (below != 0) fetch_far(at + below);
        codes[k] = encode_lanes(load(at), e[k][b]);
      } else {
        codes[k] = k < left ? encode_lanes(load(at, lanes(rows - b * width)), e[k][b]) : all(0);
      }
    }
    store(words + b * width, as_floats(joined_bytes(codes[0], codes[1], codes[2], codes[3])));
  }
}

inline constexpr index_t words_of_tile = tile_cols / 4, words_stride = tile_rows + 16;

/// Writes the codes of `rows` rows, `cols` of each.
template <bool PastCaches>
[[BITGAUGE_TIER]] inline void turn_words(const float* words, index_t rows, index_t cols, std::uint8_t* codes,
                                         index_t row_stride) {
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
        for (int i = 0; i < width; ++i) store<PastCaches>(reinterpret_cast<float*>(to + i * row_stride), v[i]);
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
  run_slots<encoder> slots;
  for (index_t first = 0; first < x.cols; first += tile_cols) {
    const index_t cols = std::min(tile_cols, x.cols - first);
    for (index_t c = 0; c < cols; c += 4) {
      const encoder* e[4];
      const index_t at = first + c, left = std::min<index_t>(4, x.cols - at);
      for (index_t k = 0; k < 4; ++k) e[k] = slots.of((x.begun + at + std::min(k, left - 1)) / run, x.rows, make);
      const float* const from = x.x + at * x.stride;
      float* const to = words + c / 4 * words_stride;
      const index_t far = at + columns_ahead + 4 <= x.cols + x.behind ? columns_ahead * x.stride : 0;
      if (left == 4 && x.rows % width == 0)
        encode_four<true>(from, x.stride, x.rows, left, e, far, x.below, to);
      else
        encode_four<false>(from, x.stride, x.rows, left, e, far, x.below, to);
    }
    if (past_caches)
      turn_words<true>(words, x.rows, cols, codes + first, row_stride);
    else
      turn_words<false>(words, x.rows, cols, codes + first, row_stride);
  }
}

inline constexpr index_t decoded_cols = 4 * width, decoded_stride = tile_rows + 16;

template <bool PastCaches>
[[BITGAUGE_TIER, gnu::always_inline]] inline void store_some(float* x, index_t left, floats v) {
  if (left >= width)
    store<PastCaches>(x, v);
  else
    store(x, lanes(left), v);
}

/// At most tile_rows rows.
template <bool PastCaches>
[[BITGAUGE_TIER]] inline void decode_rows_of(const std::uint8_t* codes, index_t row_stride, index_t cols,
                                             index_t begun, index_t run, const make_decoders& make, float* out,
                                             index_t column_stride) {
  alignas(64) float words[width * decoded_stride];
  run_slots<decoder> slots;
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
          _mm_prefetch(reinterpret_cast<const char*>(from + i * row_stride + 64), _MM_HINT_T1);
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
      for (index_t k = 0; k < 4; ++k) d[k] = slots.of((begun + at + std::min(k, left - 1)) / run, rows, make);
      float* const to = out + at * column_stride;
      for (index_t r = 0; r < rows; r += width) {
        const integers bytes = exclusive_or(as_integers(load(words + c / 4 * decoded_stride + r)), sign);
        const index_t b = r / width, height = rows - r;
        store_some<PastCaches>(to + r, height, decode_words(byte_of<0>(bytes), d[0][b]));
        if (left > 1) store_some<PastCaches>(to + column_stride + r, height, decode_words(byte_of<1>(bytes), d[1][b]));
        if (left > 2)
          store_some<PastCaches>(to + 2 * column_stride + r, height, decode_words(byte_of<2>(bytes), d[2][b]));
        if (left > 3)
          store_some<PastCaches>(to + 3 * column_stride + r, height, decode_words(byte_of<3>(bytes), d[3][b]));
      }
    }
  }
}

/// The extents of one run of at most tile_rows rows so far.
struct extents_of_rows {
  floats low[blocks], high[blocks];
};

template <int Columns>
[[BITGAUGE_TIER, gnu::always_inline]] inline void widen_columns(extents_of_rows& e, integers& largest, const float* x,
                                                                index_t stride, index_t rows, index_t far) {
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

[[BITGAUGE_TIER, gnu::always_inline]] inline void put_each(float* to, index_t stride, index_t count, floats v) {
  alignas(64) float each[width];
  store(each, v);
  for (index_t i = 0; i < std::min<index_t>(count, width); ++i) to[i * stride] = each[i];
}

}  // namespace detail

[[BITGAUGE_TIER]] inline std::uint32_t column_extents(const column_panel& x, index_t run, float* low, float* high,
                                                      index_t stride) {
  using namespace detail;
  integers largest = all(0);
  extents_of_rows e;
  for (index_t first = 0; first < x.rows; first += tile_rows) {
    const index_t rows = std::min(tile_rows, x.rows - first);
    for (index_t begin = 0, i = 0; begin < x.cols; begin += run, ++i) {
      for (index_t b = 0; b < blocks; ++b) e.low[b] = e.high[b] = all(0.0f);
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
                                             const std::int32_t* zero_point, index_t stride, int lowest, int highest,
                                             std::uint8_t* codes, index_t row_stride, bool past_caches) {
  using namespace detail;
  const bool at_lines = reinterpret_cast<std::uintptr_t>(codes) % 64 == 0 && row_stride % 64 == 0;
  for (index_t r = 0; r < x.rows; r += tile_rows) {
    column_panel tile = x;
    tile.x += r;
    tile.rows = std::min(tile_rows, x.rows - r);
    encode_rows_of(tile, run, {inverse + r * stride, zero_point + r * stride, stride, tile.rows, lowest, highest},
                   codes + r * row_stride, row_stride, past_caches && at_lines);
  }
}

[[BITGAUGE_TIER]] inline void decode_columns(const std::uint8_t* codes, index_t row_stride, index_t rows, index_t cols,
                                             index_t begun, index_t run, const float* scale,
                                             const std::int32_t* zero_point, index_t stride, bool is_signed, float* out,
                                             index_t column_stride, bool past_caches) {
  using namespace detail;
  const bool at_lines = reinterpret_cast<std::uintptr_t>(out) % 64 == 0 && column_stride % 16 == 0;
  for (index_t r = 0; r < rows; r += tile_rows) {
    const make_decoders make{scale + r * stride, zero_point + r * stride, stride, std::min(tile_rows, rows - r),
                             is_signed ? 0x80 : 0};
    const std::uint8_t* const from = codes + r * row_stride;
    if (past_caches && at_lines)
      decode_rows_of<true>(from, row_stride, cols, begun, run, make, out + r, column_stride);
    else
      decode_rows_of<false>(from, row_stride, cols, begun, run, make, out + r, column_stride);
  }
}

#endif  // BITGAUGE_TIER
