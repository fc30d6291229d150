// Catches a grid concept that lets a type through which lacks a member, or refuses one of the library's own.
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/grid.hpp>
#include <bitgauge/grid/small_float.hpp>

using namespace bitgauge;

static_assert(plain_grid<nf4> && plain_grid<fp4> && plain_grid<dynamic8> && plain_grid<codebook_grid>);
static_assert(plain_grid<fp8_e4m3> && plain_grid<mxfp4> && plain_grid<mxint8>);
static_assert(integer_grid_like<integer_grid> && integer_grid_like<symmetric<4>> &&
              integer_grid_like<affine<1>>);
static_assert(grid<nf4> && grid<affine<8>> && grid<integer_grid>);
static_assert(!integer_grid_like<nf4> && !integer_grid_like<int>);
static_assert(!grid<int> && !grid<interval> && !grid<nf4*>);

/// All that a plain grid must offer.
struct complete {
  int bits() const;
  float level(int field) const;
  int nearest(float value) const;
  float scale_for(interval range) const;
};
static_assert(plain_grid<complete> && grid<complete> && !integer_grid_like<complete>);

struct without_bits {
  float level(int field) const;
  int nearest(float value) const;
  float scale_for(interval range) const;
};
struct without_level {
  int bits() const;
  int nearest(float value) const;
  float scale_for(interval range) const;
};
struct without_nearest {
  int bits() const;
  float level(int field) const;
  float scale_for(interval range) const;
};
struct without_scale_for {
  int bits() const;
  float level(int field) const;
  int nearest(float value) const;
};
static_assert(!grid<without_bits> && !grid<without_level> && !grid<without_nearest> &&
              !grid<without_scale_for>);

/// A member that only a grid that may change has: a grid is used from several threads.
struct changing_level : without_level {
  float level(int field);
};
struct level_of_no_number : without_level {
  const char* level(int field) const;
};
/// The library keeps a copy.
struct not_copyable : complete {
  not_copyable() = default;
  not_copyable(const not_copyable&) = delete;
};
static_assert(!grid<changing_level> && !grid<level_of_no_number> && !grid<not_copyable>);

/// Converts, so that the library's own code for integers is used.
struct converting {
  constexpr operator integer_grid() const { return symmetric<3>{}; }
};
static_assert(grid<converting> && integer_grid_like<converting> && !plain_grid<converting>);
