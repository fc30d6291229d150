// Catches a rounding concept that lets a type through which lacks a member, or refuses one of the library's own, and
// functions of the seam of error feedback that need not be written.
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/half_away.hpp>
#include <bitgauge/rounding/rounding.hpp>

using namespace bitgauge;

static_assert(neighbour_rounding<stochastic_rounding> && neighbour_rounding<half_away_rounding>);
static_assert(!neighbour_rounding<nearest_rounding>);  // has no choice to make: the grid decides
static_assert(!neighbour_rounding<int>);

struct upwards {
  bool up(float value, float lower, float upper, index_t row, index_t col) const;
};
static_assert(neighbour_rounding<upwards>);

struct with_state {
  bool up(float value, float lower, float upper, index_t row, index_t col);
};
struct without_position {
  bool up(float value, float lower, float upper) const;
};
struct without_answer {
  void up(float value, float lower, float upper, index_t row, index_t col) const;
};
struct not_copyable : upwards {
  not_copyable(const not_copyable&) = delete;
};
static_assert(!neighbour_rounding<with_state> && !neighbour_rounding<without_position>);
static_assert(!neighbour_rounding<without_answer> && !neighbour_rounding<not_copyable>);

/// A rounding by error feedback writes one function, and is known by its base.
struct feedback : feedback_rounding {
  void round(feedback_target& target, int threads) const override;
};
struct feedback_without_round : feedback_rounding {};
static_assert(std::is_abstract_v<feedback_target> && std::has_virtual_destructor_v<feedback_target>);
static_assert(!std::is_abstract_v<feedback> && std::is_abstract_v<feedback_without_round>);
