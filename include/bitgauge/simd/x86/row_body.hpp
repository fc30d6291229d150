// The row primitives of one instruction set of x86. The row.hpp of its folder includes this in the namespace of the
// set, where BITGAUGE_TIER is the attribute that names the target, and what vectors.hpp and row.hpp there define are
// the words it is written in. A vector may run over the end of a run into the next one, which is written afterwards;
// masks are needed only where elements are reduced and at the end of the row.
#if defined(BITGAUGE_TIER)

namespace detail {

struct extent {
  floats low, high;
};

[[BITGAUGE_TIER, gnu::always_inline]] inline void widen(extent& e, integers& largest, floats x) {
  e.low = smaller(x, e.low);
  e.high = greater(x, e.high);
  largest = greatest_magnitude(x, largest);
}

/// Lane i of the result is the least or greatest lane of v[i].
template <bool Greatest>
[[BITGAUGE_TIER, gnu::always_inline]] inline floats reduce_each(const floats (&v)[width]) {
  const floats a = reduce_to_128<Greatest>(v), b = reduce_to_128<Greatest>(v + 1),
               c = reduce_to_128<Greatest>(v + 2), d = reduce_to_128<Greatest>(v + 3);
  const floats ab = choose<Greatest>(interleaved_low(a, b), interleaved_high(a, b));
  const floats cd = choose<Greatest>(interleaved_low(c, d), interleaved_high(c, d));
  return choose<Greatest>(joined_low(ab, cd), joined_high(ab, cd));
}

/// What a row read from memory is fetched ahead, in floats.
inline constexpr index_t ahead = 2048;

[[BITGAUGE_TIER, gnu::always_inline]] inline void fetch(const float* x) {
  _mm_prefetch(reinterpret_cast<const char*>(x), _MM_HINT_T0);
}

[[BITGAUGE_TIER, gnu::always_inline]] inline encoder make_encoder(floats inverse, integers zero_point,
                                                                  int lowest, int highest) {
  return {inverse, to_floats(difference(all(lowest), zero_point)),
          to_floats(difference(all(highest), zero_point)), zero_point};
}

[[BITGAUGE_TIER, gnu::always_inline]] inline floats decode_vector(__m128i codes, __m128i sign, floats scale,
                                                                  integers shift) {
  return product(scale, to_floats(difference(widened(_mm_xor_si128(codes, sign)), shift)));
}

/// Runs of one element: parameters are vectors.
[[BITGAUGE_TIER]] inline void encode_each(const float* x, index_t count, const float* inverse,
                                          const std::int32_t* zero_point, int lowest, int highest,
                                          std::uint8_t* codes, const float* next) {
  index_t j = 0;
  for (; j + width <= count; j += width) {
    fetch(next + j);
    const encoder each = make_encoder(load(inverse + j), load(zero_point + j, lanes(width)), lowest, highest);
    store_codes<false>(codes + j, encode_vector(load(x + j), each));
  }
  if (j == count) return;
  const mask some = lanes(count - j);
  const encoder each = make_encoder(load(inverse + j, some), load(zero_point + j, some), lowest, highest);
  store_codes(codes + j, count - j, encode_vector(load(x + j, some), each));
}

/// `PastCaches` needs 16 codes of a run to lie at a multiple of 16 bytes.
template <bool PastCaches>
[[BITGAUGE_TIER]] inline void encode_runs(const float* x, index_t count, index_t run, const float* inverse,
                                          const std::int32_t* zero_point, int lowest, int highest,
                                          std::uint8_t* codes, const float* next) {
  for (index_t begin = 0; begin < count; begin += run, ++inverse, ++zero_point) {
    const index_t end = std::min(begin + run, count);
    const encoder same = make_encoder(all(*inverse), all(*zero_point), lowest, highest);
    index_t j = begin;
    for (; block > width && j + block <= end; j += block) {
      for (index_t line = 0; line < block; line += 16) fetch(next + j + line);
      encode_block(x + j, same, codes + j);
    }
    for (; j < end && j + width <= count; j += width) {
      if (block == width) fetch(next + j);
      store_codes<PastCaches>(codes + j, encode_vector(load(x + j), same));
    }
    if (j < end) store_codes(codes + j, end - j, encode_vector(load(x + j, lanes(end - j)), same));
  }
}

}  // namespace detail

[[BITGAUGE_TIER]] inline std::uint32_t extents(const float* x, index_t count, index_t run, float* low,
                                               float* high) {
  using namespace detail;
  integers largest = all(0);
  if (run == 1) {
    for (index_t j = 0; j < count; j += width) {
      extent each{all(0.0f), all(0.0f)};
      const mask some = lanes(count - j);
      widen(each, largest, load(x + j, some));
      store(low + j, some, each.low);
      store(high + j, some, each.high);
    }
    return greatest_lane(largest);
  }
  for (index_t begin = 0; begin < count; low += width, high += width) {
    floats lows[width], highs[width];
    int runs = 0;
    for (; runs < width && begin < count; begin += run, ++runs) {
      const index_t end = std::min(begin + run, count);
      extent e{all(0.0f), all(0.0f)};
      index_t j = begin;
      for (; j + width <= end; j += width) {
        fetch(x + std::min(j + ahead, count - 1));
        widen(e, largest, load(x + j));
      }
      if (j < end) widen(e, largest, load(x + j, lanes(end - j)));
      lows[runs] = e.low;
      highs[runs] = e.high;
    }
    for (int i = runs; i < width; ++i) lows[i] = highs[i] = all(0.0f);
    store(low, lanes(runs), reduce_each<false>(lows));
    store(high, lanes(runs), reduce_each<true>(highs));
  }
  return greatest_lane(largest);
}

[[BITGAUGE_TIER]] inline void encode(const float* x, index_t count, index_t run, const float* inverse,
                                     const std::int32_t* zero_point, int lowest, int highest,
                                     std::uint8_t* codes, const memory_hints& memory) {
  using namespace detail;
  const float* const next = memory.next != nullptr ? memory.next : x;
  if (run == 1) return encode_each(x, count, inverse, zero_point, lowest, highest, codes, next);
  const bool aligned = reinterpret_cast<std::uintptr_t>(codes) % 16 == 0 && (run % 16 == 0 || run >= count);
  if (writes_past_caches && memory.past_caches && aligned)
    encode_runs<writes_past_caches>(x, count, run, inverse, zero_point, lowest, highest, codes, next);
  else
    encode_runs<false>(x, count, run, inverse, zero_point, lowest, highest, codes, next);
}

[[BITGAUGE_TIER]] inline void decode(const std::uint8_t* codes, index_t count, index_t run,
                                     const float* scale, const std::int32_t* zero_point, bool is_signed,
                                     float* out) {
  using namespace detail;
  const int sign = is_signed ? 0x80 : 0;
  const __m128i sign_bytes = _mm_set1_epi8(static_cast<char>(sign));
  if (run == 1) {
    for (index_t j = 0; j < count; j += width) {
      const mask some = lanes(count - j);
      const floats factor = load(scale + j, some);
      const integers shift = sum(load(zero_point + j, some), all(sign));
      const __m128i bytes = load_codes(codes + j, count - j);
      store(out + j, some, decode_vector(bytes, sign_bytes, factor, shift));
    }
    return;
  }
  for (index_t begin = 0; begin < count; begin += run, ++scale, ++zero_point) {
    const index_t end = std::min(begin + run, count);
    const floats factor = all(*scale);
    const integers shift = all(sign + *zero_point);
    index_t j = begin;
    for (; j < end && j + width <= count; j += width)
      store(out + j, decode_vector(load_codes(codes + j), sign_bytes, factor, shift));
    if (j < end) {
      const __m128i bytes = load_codes(codes + j, end - j);
      store(out + j, lanes(end - j), decode_vector(bytes, sign_bytes, factor, shift));
    }
  }
}

#endif  // BITGAUGE_TIER
