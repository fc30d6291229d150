#pragma once

/// \file
/// The six answers of one quantization, their types erased, and what else a call may say.

#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/grid.hpp>
#include <bitgauge/matrix/answers/answers.hpp>
#include <bitgauge/matrix/answers/importance.hpp>
#include <bitgauge/matrix/answers/options.hpp>
#include <bitgauge/range/range.hpp>
#include <bitgauge/rounding/feedback/target.hpp>
#include <bitgauge/rounding/rounding.hpp>
#include <bitgauge/scale/storage.hpp>

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge {

class quantized_matrix;
class row_source;

namespace detail {

class group_fitter;
struct recipe;

/// Fits the groups that span rows, and finds the second level of nested scales.
BITGAUGE_DECLARE void fit_spanning_groups(group_fitter& fitter);
BITGAUGE_DECLARE void prepare_nested_scales(group_fitter& fitter);

/// Quantizes rows by a recipe with error feedback; see quantize_rows().
BITGAUGE_DECLARE quantized_matrix quantize_with_feedback(const row_source& rows, const recipe& answers,
                                                         bool stands);

/// One quantization, described. A null rounding is to nearest.
struct recipe {
  std::shared_ptr<const any_grid> grid;
  granularity groups = per_row{};
  std::shared_ptr<const any_range> range = std::make_shared<extent_model>(false);
  std::shared_ptr<const any_rounding> rounding{};
  std::shared_ptr<const feedback_rounding> feedback{};  ///< decides instead of `rounding` where set
  // Set with an answer that may need them: pointers, so that who gives none does not compile what they point to.
  void (*fit_spanning)(group_fitter& fitter) = nullptr;
  void (*prepare_scales)(group_fitter& fitter) = nullptr;
  quantized_matrix (*quantize_by_feedback)(const row_source& rows, const recipe& answers,
                                           bool stands) = nullptr;
  scale_storage scales{};
  importance column_weights{};
  bitgauge::options options{};

  template <int = 0>
  void set_feedback(std::shared_ptr<const feedback_rounding> with) {
    feedback = std::move(with);
    quantize_by_feedback = &quantize_with_feedback;
  }

  /// Takes one answer or option, whichever question it answers.
  template <class Answer>
  void set(const Answer& answer) {
    if constexpr (integer_grid_like<Answer>) {
      grid = std::make_shared<any_grid_of<integer_grid>>(static_cast<integer_grid>(answer));
    } else if constexpr (plain_grid<Answer>) {
      grid = std::make_shared<any_grid_of<Answer>>(answer);
    } else if constexpr (std::convertible_to<Answer, granularity>) {
      groups = answer;
      if constexpr (!std::same_as<Answer, per_row> && !std::same_as<Answer, per_group>)
        fit_spanning = &fit_spanning_groups;
    } else if constexpr (std::same_as<Answer, minmax_range> || std::same_as<Answer, absmax_range>) {
      range = std::make_shared<extent_model>(std::same_as<Answer, absmax_range>);
    } else if constexpr (bitgauge::range<Answer>) {
      range = std::make_shared<any_range_of<Answer>>(answer);
    } else if constexpr (std::same_as<Answer, nearest_rounding>) {
      rounding.reset();
      feedback.reset();
    } else if constexpr (std::derived_from<Answer, feedback_rounding>) {
      set_feedback(std::make_shared<Answer>(answer));
    } else if constexpr (neighbour_rounding<Answer>) {
      rounding = std::make_shared<any_rounding_of<Answer>>(answer);
    } else if constexpr (std::same_as<Answer, scale_storage> || std::same_as<Answer, double_quantized>) {
      scales = answer;
      prepare_scales = &prepare_nested_scales;
    } else if constexpr (std::same_as<Answer, importance>) {
      column_weights = answer;
    } else if constexpr (std::same_as<Answer, bitgauge::options>) {
      options = answer;
    } else if constexpr (!std::same_as<Answer, effort>) {
      refuse_unknown_answer<Answer>();
    }
  }
};

template <class... Answers>
recipe make_recipe(const Answers&... answers) {
  check_answers<Answers...>();
  recipe all;
  (all.set(answers), ...);
  if (!all.grid) all.set(make_affine(8));
  return all;
}

}  // namespace detail
}  // namespace bitgauge
