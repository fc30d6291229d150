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
