#pragma once

/// \file
/// What quantize.hpp declares.

#include <bitgauge/matrix/feedback_quantizer.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/quantizer.hpp>

namespace bitgauge::detail {

BITGAUGE_DEFINE void fit_spanning_groups(group_fitter& fitter) {
  fitter.fit_spanning_groups();
}
BITGAUGE_DEFINE void prepare_nested_scales(group_fitter& fitter) {
  fitter.prepare_nested_scales();
}

BITGAUGE_DEFINE quantized_matrix quantize_with_feedback(const row_source& rows, const recipe& how,
                                                        bool stands) {
  return feedback_quantizer<0>(rows, how, stands).run();
}

BITGAUGE_DEFINE quantized_matrix quantize_rows(const row_source& rows, recipe how, bool stands) {
  // along a vector there is one row and one column
  if (stands && how.groups.what == granularity::kind::column) how.groups = per_row{};
  return how.feedback ? how.quantize_by_feedback(rows, how, stands) : quantizer(rows, how, stands).run();
}

BITGAUGE_DEFINE matrix_parameters quantize_rows_in_parts(const row_source& rows, recipe how, bool stands,
                                                         const take_part& take) {
  if (stands && how.groups.what == granularity::kind::column) how.groups = per_row{};
  if (!how.feedback) return quantizer(rows, how, stands).run_in_parts(part_height(rows.cols()), take);
  // which may change a code as long as there are others to come
  const quantized_matrix q = how.quantize_by_feedback(rows, how, stands);
  if (q.size() > 0) take(index_t{0}, q);
  return {q.scales(), q.zero_points()};
}

}  // namespace bitgauge::detail
