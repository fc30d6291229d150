#pragma once

/// \file
/// What quantize.hpp declares.

#include <bitgauge/matrix/fit/feedback_quantizer.hpp>
#include <bitgauge/matrix/fit/quantizer.hpp>
#include <bitgauge/matrix/quantize.hpp>

namespace bitgauge::detail {

BITGAUGE_DEFINE void fit_spanning_groups(group_fitter& fitter) {
  fitter.fit_spanning_groups();
}
BITGAUGE_DEFINE void prepare_nested_scales(group_fitter& fitter) {
  fitter.prepare_nested_scales();
}

BITGAUGE_DEFINE quantized_matrix quantize_with_feedback(const row_source& rows, const recipe& answers,
                                                        bool stands) {
  return feedback_quantizer<0>(rows, answers, stands).run();
}

BITGAUGE_DEFINE quantized_matrix quantize_rows(const row_source& rows, recipe answers, bool stands) {
  // along a vector there is one row and one column
  if (stands && answers.groups.what == granularity::kind::column) answers.groups = per_row{};
  return answers.feedback ? answers.quantize_by_feedback(rows, answers, stands)
                          : quantizer(rows, answers, stands).run();
}

BITGAUGE_DEFINE matrix_parameters quantize_rows_in_parts(const row_source& rows, recipe answers, bool stands,
                                                         const take_part& take) {
  if (stands && answers.groups.what == granularity::kind::column) answers.groups = per_row{};
  if (!answers.feedback) return quantizer(rows, answers, stands).run_in_parts(part_height(rows.cols()), take);
  // which may change a code as long as there are others to come
  const quantized_matrix q = answers.quantize_by_feedback(rows, answers, stands);
  if (q.size() > 0) take(index_t{0}, q);
  return {q.scales(), q.zero_points()};
}

}  // namespace bitgauge::detail
