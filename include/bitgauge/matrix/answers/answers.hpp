#pragma once

/// \file
/// Which question an argument of quantize() answers, and what is wrong with a list of arguments: said by the
/// compiler in one line each.

#include <bitgauge/effort.hpp>
#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/grid.hpp>
#include <bitgauge/matrix/answers/options.hpp>
#include <bitgauge/range/range.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/gptq_options.hpp>
#include <bitgauge/rounding/rounding.hpp>
#include <bitgauge/scale/storage.hpp>

#include <concepts>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace bitgauge {

struct importance;
struct scheme;
class hessian;
class paired_hessian;

namespace detail {

enum class question { grid, granularity, range, rounding, scale_storage, importance, options, effort, none };

/// The question that a type answers; `none` for what quantize() does not know.
template <class Answer>
constexpr question question_of() {
  if constexpr (grid<Answer>) {
    return question::grid;
  } else if constexpr (std::convertible_to<Answer, granularity>) {
    return question::granularity;
  } else if constexpr (std::same_as<Answer, minmax_range> || std::same_as<Answer, absmax_range> ||
                       range<Answer>) {
    return question::range;
  } else if constexpr (std::same_as<Answer, nearest_rounding> ||
                       std::derived_from<Answer, feedback_rounding> || neighbour_rounding<Answer>) {
    return question::rounding;
  } else if constexpr (std::same_as<Answer, scale_storage> || std::same_as<Answer, double_quantized>) {
    return question::scale_storage;
  } else if constexpr (std::same_as<Answer, importance>) {
    return question::importance;
  } else if constexpr (std::same_as<Answer, options>) {
    return question::options;
  } else if constexpr (std::same_as<Answer, effort>) {
    return question::effort;
  } else {
    return question::none;
  }
}

template <question Asked, class... Answers>
inline constexpr int answers_to = (0 + ... + (question_of<Answers>() == Asked ? 1 : 0));

/// Refuses two answers to one question; the compiler's note names their types.
template <class First, class Second>
constexpr void refuse_contradiction() {
  constexpr question asked = question_of<First>();
  constexpr bool twice = asked == question_of<Second>();
  static_assert(!(twice && asked == question::grid), "bitgauge: two grids in one call: leave one out");
  static_assert(!(twice && asked == question::granularity),
                "bitgauge: two granularities in one call: leave one out");
  static_assert(!(twice && asked == question::range), "bitgauge: two ranges in one call: leave one out");
  static_assert(!(twice && asked == question::rounding),
                "bitgauge: two roundings in one call: leave one out");
  static_assert(!(twice && asked == question::scale_storage),
                "bitgauge: two scale storages in one call: leave one out");
  static_assert(!(twice && asked == question::importance),
                "bitgauge: two importances in one call: leave one out");
  static_assert(!(twice && asked == question::options),
                "bitgauge: two options in one call: write options{.threads = 2, .on_nonfinite = ...}");
  static_assert(!(twice && asked == question::effort), "bitgauge: two efforts in one call: leave one out");
}
template <class First, class... Rest>
constexpr void refuse_contradictions() {
  (refuse_contradiction<First, Rest>(), ...);
  if constexpr (sizeof...(Rest) > 1) refuse_contradictions<Rest...>();
}
template <class... Answers>
constexpr void check_contradictions() {
  constexpr bool any = answers_to < question::grid, Answers... >> 1 || answers_to < question::granularity,
                 Answers... >> 1 || answers_to < question::range,
                 Answers... >> 1 || answers_to < question::rounding,
                 Answers... >> 1 || answers_to < question::scale_storage,
                 Answers... >> 1 || answers_to < question::importance,
                 Answers... >> 1 || answers_to < question::options,
                 Answers... >> 1 || answers_to < question::effort, Answers... >> 1;
  if constexpr (any) refuse_contradictions<Answers...>();
}

/// True for a range that weighs errors. A range with fit() gets the weights, and says `static constexpr bool
/// uses_importance = false` where it has no use for them.
template <class Range>
constexpr bool weighs_errors() {
  if constexpr (requires { Range::uses_importance; }) {
    return Range::uses_importance;
  } else {
    return fitting_range<Range>;
  }
}
template <class Answer>
inline constexpr bool is_weighing_range = question_of<Answer>() == question::range && weighs_errors<Answer>();
/// A grid that is fitted weighs errors too.
template <class Answer>
inline constexpr bool is_weighing_grid =
    requires(const Answer& g, std::span<const float> x, std::span<float> y) { g.fit_row(x, x, y); };

/// What a type that is no answer was probably meant to be.
template <class Answer>
constexpr void refuse_unknown_answer() {
  constexpr bool text = std::convertible_to<Answer, std::string_view>;
  constexpr bool numbers = std::derived_from<Answer, Eigen::DenseBase<Answer>> || requires(const Answer& a) {
    a.data();
    a.size();
  };
  constexpr bool a_hessian = std::same_as<Answer, hessian> || std::same_as<Answer, paired_hessian>;
  constexpr bool a_scheme = std::same_as<Answer, scheme>;
  constexpr bool gptq_settings = std::same_as<Answer, gptq_options>;
  constexpr bool blocks = requires {
    Answer::type;
    Answer::elements;
  };
  constexpr bool number = std::is_arithmetic_v<Answer>;
  static_assert(!text,
                "bitgauge: a text is no answer beside others. It comes right behind the matrix: #include "
                "<bitgauge/model/quantize.hpp>, or write quantize(W, parse_scheme(text))");
  static_assert(
      text || !numbers,
      "bitgauge: numbers are no answer. A weight for each column is importance(numbers), samples are "
      "a hessian for gptq");
  static_assert(!a_hessian, "bitgauge: a Hessian is no answer. The rounding that uses it is gptq(H)");
  static_assert(!gptq_settings, "bitgauge: gptq_options are no answer. Write gptq(H, options)");
  static_assert(!a_scheme,
                "bitgauge: a scheme answers all questions and comes right behind the matrix; what is to be "
                "otherwise is a field of it");
  static_assert(
      !blocks,
      "bitgauge: a ggml type comes right behind the matrix: quantize(W, gguf::q4_k{}, ...), and needs "
      "#include <bitgauge/gguf/quantize.hpp>");
  static_assert(!number,
                "bitgauge: a number is no answer: not an answer it knows. Write affine<4>{} for bits, "
                "per_group{128} for groups");
  static_assert(
      text || numbers || a_hessian || gptq_settings || a_scheme || blocks || number || sizeof(Answer) == 0,
      "bitgauge::quantize: not an answer it knows. Pass a grid, a granularity, a range, a rounding, a "
      "scale_storage, an importance or options; see the concepts plain_grid, interval_range, "
      "fitting_range and neighbour_rounding for what a type of your own must offer");
}

/// Checks the answers of one quantization as far as their types tell.
template <class... Answers>
constexpr void check_answers() {
  check_contradictions<Answers...>();
  constexpr bool without_effect = answers_to < question::importance,
                 Answers... >> 0 && !(is_weighing_range<Answers> || ...) &&
                     !(is_weighing_grid<Answers> || ...);
  static_assert(!without_effect,
                "bitgauge: an importance has no effect here: min-max, absmax and ranges of your own that are "
                "intervals do not weigh errors. Add a range that does, such as mse_range{}");
  static_assert(
      answers_to<question::effort, Answers...> == 0,
      "bitgauge: an effort is no answer by itself. It belongs to what searches: mse_range{effort::best}, "
      "gptq(H, {.effort = effort::best}), or a ggml type");
}

}  // namespace detail
}  // namespace bitgauge
