// Exact sums of products of bytes with one instruction set of x86 that has none: its vpmaddubsw saturates at 2^15. The
// multiply_codes.hpp of its folder includes this in the namespace of the set, where BITGAUGE_TIER is the attribute that
// names the target, with the words that vectors.hpp there defines. See multiply_codes_body.hpp for what `products` is.
#if defined(BITGAUGE_TIER)

/// Bytes as two vectors of 16 bits.
struct byte_halves {
  integers even, odd;
};
[[BITGAUGE_TIER, gnu::always_inline]] inline byte_halves unsigned_halves(integers bytes) {
  return {both_bits(bytes, all(0x00ff00ff)), down_16<8>(bytes)};
}
[[BITGAUGE_TIER, gnu::always_inline]] inline byte_halves signed_halves(integers bytes) {
  return {down_with_sign_16<8>(up_16<8>(bytes)), down_with_sign_16<8>(bytes)};
}
[[BITGAUGE_TIER, gnu::always_inline]] inline void add_dot(integers& total, const byte_halves& a,
                                                          const byte_halves& b) {
  total = sum(total, sum(pair_products_16(a.even, b.even), pair_products_16(a.odd, b.odd)));
}
/// The products of eight columns, of which no four have a sum above 2^15 - 1.
[[BITGAUGE_TIER, gnu::always_inline]] inline void add_small_dot(integers& total,
                                                                const integers (&unsigned_bytes)[2],
                                                                const integers (&signed_bytes)[2]) {
  const integers pairs = sum_16(pair_products_8(unsigned_bytes[0], signed_bytes[0]),
                                pair_products_8(unsigned_bytes[1], signed_bytes[1]));
  total = sum(total, pair_products_16(pairs, all(0x00010001)));
}

/// Any codes: in 16 bits.
template <bool Small>
struct products {
  static constexpr int steps = 1;
  [[BITGAUGE_TIER, gnu::always_inline]] static byte_halves weights_at(const std::int8_t* from) {
    return signed_halves(load(from));
  }
  [[BITGAUGE_TIER, gnu::always_inline]] static byte_halves activations_at(const std::uint8_t* from, index_t) {
    return unsigned_halves(four_of(from));
  }
  [[BITGAUGE_TIER, gnu::always_inline]] static void add(integers& total, const byte_halves& activations,
                                                        const byte_halves& weights) {
    add_dot(total, activations, weights);
  }
};

/// Small codes: 4 * 255 * 32 < 2^15.
template <>
struct products<true> {
  static constexpr int steps = 2;
  struct both {
    integers of[2];
  };
  [[BITGAUGE_TIER, gnu::always_inline]] static both weights_at(const std::int8_t* from) {
    return {{load(from), load(from + 64)}};
  }
  [[BITGAUGE_TIER, gnu::always_inline]] static both activations_at(const std::uint8_t* from, index_t stride) {
    return {{four_of(from), four_of(from + stride)}};
  }
  [[BITGAUGE_TIER, gnu::always_inline]] static void add(integers& total, const both& activations,
                                                        const both& weights) {
    add_small_dot(total, activations.of, weights.of);
  }
};

#endif  // BITGAUGE_TIER
