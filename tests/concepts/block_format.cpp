// Catches parts of block formats that are taken for another kind, which would choose the wrong encoder.
#include <bitgauge/gguf/format/formats.hpp>

using namespace bitgauge::gguf;

static_assert(has_one<q4_0::scale> && !has_super<q4_0::scale> && !has_byte<q4_0::scale>);
static_assert(has_super<q4_k::scale> && !has_one<q4_k::scale> && !has_byte<q4_k::scale>);
static_assert(has_byte<mxfp4::scale> && !has_one<mxfp4::scale> && !has_super<mxfp4::scale>);
static_assert(!has_one<no_minimum> && !has_super<no_minimum> && !has_byte<no_minimum>);

static_assert(counted_levels<q4_0::levels> && !listed_levels<q4_0::levels> && !vector_levels<q4_0::levels>);
static_assert(listed_levels<iq4_nl::levels> && !counted_levels<iq4_nl::levels> &&
              !vector_levels<iq4_nl::levels>);
static_assert(vector_levels<iq2_xxs::levels> && !counted_levels<iq2_xxs::levels>);

static_assert(subtracted_minimum<q4_k::minimum> && !subtracted_minimum<q4_1::minimum>);
static_assert(!subtracted_minimum<no_minimum>);

static_assert(q4_0::family == block_family::one_scale && q4_1::family == block_family::scale_min);
static_assert(mxfp4::family == block_family::byte_scale && q6_k::family == block_family::super_scale);
static_assert(q4_k::family == block_family::super_scale_min);
static_assert(iq2_xxs::family == block_family::vector_codebook);

/// A scale that has neither a rule nor a value for a code: one number for the block.
struct plain_scale {
  static constexpr int entries = 1;
};
struct two_plain_scales {
  static constexpr int entries = 2;
};
static_assert(has_one<plain_scale> && !has_one<two_plain_scales>);
