// Catches a range concept that lets a type through which lacks a member, or refuses one of the library's own.
#include <bitgauge/range/kl.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/percentile.hpp>
#include <bitgauge/range/range.hpp>

using namespace bitgauge;

static_assert(range<mse_range> && range<percentile_range> && range<kl_range>);
static_assert(fitting_range<mse_range> && !interval_range<mse_range>);
static_assert(!range<int> && !range<interval> && !range<const char*>);

struct half_of_it {
  interval operator()(std::span<const float> values) const;
};
static_assert(range<half_of_it> && interval_range<half_of_it> && !fitting_range<half_of_it>);
static_assert(interval_range<interval (*)(std::span<const float>)>);  // a plain function

struct counting {
  interval operator()(std::span<const float> values);
};
struct of_a_number {
  interval operator()(float value) const;
};
struct of_no_interval {
  float operator()(std::span<const float> values) const;
};
struct not_copyable : half_of_it {
  not_copyable(const not_copyable&) = delete;
};
static_assert(!range<counting> && !range<of_a_number> && !range<of_no_interval> && !range<not_copyable>);

struct fitting {
  parameters fit(const group_values& group, const any_grid& grid, const scale_codec& storage) const;
};
static_assert(range<fitting> && fitting_range<fitting> && !interval_range<fitting>);

struct changing_fit {
  parameters fit(const group_values& group, const any_grid& grid, const scale_codec& storage);
};
struct without_storage {
  parameters fit(const group_values& group, const any_grid& grid) const;
};
struct without_zero_point {
  float fit(const group_values& group, const any_grid& grid, const scale_codec& storage) const;
};
static_assert(!range<changing_fit> && !range<without_storage> && !range<without_zero_point>);
