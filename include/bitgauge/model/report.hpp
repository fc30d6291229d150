#pragma once

/// \file
/// What is said of each tensor, and of all together: data, without a form.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/metrics/error_sums.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bitgauge {

/// What the figures of a tensor are.
enum class report_kind : std::uint8_t {
  quantized,    ///< an error, and the bits that the data with this error take
  plain,        ///< an error between floats, which says nothing of the bits: no gap
  identical,    ///< the same bytes, copied or compared: no error to speak of
  incomparable  ///< other bytes that are no real numbers
};

struct tensor_report {
  std::string name, scheme;
  std::int64_t rows = 0, cols = 0;
  double bits_per_weight = 0;
  report_kind kind = report_kind::quantized;
  error_sums error{};
  std::optional<double> output_error{};  ///< ||(W-Q)X||^2 / ||WX||^2, with calibration data
  /// The same with the inputs quantized too: ||WX-QA||^2 / ||WX||^2.
  std::optional<double> activation_output_error{};
  /// The least bits a weight in which normal weights could have the error that counts: that of outputs with calibration
  /// data, else that weighted by the importance of columns, else that of weights: output_bound. None where there is no
  /// error, or where it was not asked for.
  std::optional<double> bound_bits{};
  double seconds = 0;
  std::vector<std::string> notes{};

  /// True where there are figures of an error.
  bool is_measured() const noexcept { return kind == report_kind::quantized || kind == report_kind::plain; }
  /// True where original and approximation are equal, number by number.
  bool is_exact() const noexcept { return kind == report_kind::identical || error.is_zero(); }
  /// The gap to the rate-distortion bound, where the bits are those of the data that have the error.
  std::optional<double> gap_db() const noexcept {
    if (kind != report_kind::quantized || !(error.count > 0)) return std::nullopt;
    return error.gap_db(bits_per_weight);
  }
  /// How many bits a weight more than the bound the tensor takes. The bound is that of normal weights: others can be
  /// below.
  std::optional<double> gap_bits() const noexcept {
    if (kind != report_kind::quantized || !bound_bits) return std::nullopt;
    return bits_per_weight - *bound_bits;
  }
  double bytes() const noexcept {
    return static_cast<double>(rows) * static_cast<double>(cols) * bits_per_weight / 8;
  }
};

struct model_report {
  std::vector<tensor_report> tensors;
  std::vector<std::string> remarks;  ///< of no tensor in particular
};

/// The sum over one population: the quantized tensors, or where there are none those that were compared.
/// Nothing where no tensor was measured.
inline std::optional<tensor_report> total(const std::vector<tensor_report>& rows) {
  const auto has = [&](report_kind kind) {
    return std::any_of(rows.begin(), rows.end(), [kind](const auto& row) { return row.kind == kind; });
  };
  tensor_report all;
  all.name = "total";
  all.kind = has(report_kind::quantized) ? report_kind::quantized : report_kind::plain;
  if (!has(all.kind)) return std::nullopt;
  double bytes = 0, weights = 0, bound = 0;
  bool is_bounded = true;
  for (const tensor_report& row : rows) {
    all.seconds += row.seconds;
    if (row.kind != all.kind) continue;
    const double elements = static_cast<double>(row.rows) * static_cast<double>(row.cols);
    weights += elements;
    bytes += row.bytes();
    is_bounded = is_bounded && row.bound_bits;
    bound += elements * row.bound_bits.value_or(0);
    all.error.merge(row.error);
  }
  all.bits_per_weight = weights > 0 ? 8 * bytes / weights : 0;
  if (is_bounded && weights > 0) all.bound_bits = bound / weights;  // each tensor with its own error
  all.notes.push_back(detail::fixed_text(weights, 0) + " weights in " + detail::fixed_text(bytes / 1e6, 2) +
                      " MB");
  return all;
}

/// What the total leaves out, in words; empty where it leaves out nothing.
inline std::string rest_of(const std::vector<tensor_report>& rows) {
  const std::optional<tensor_report> measured = total(rows);
  double bytes = 0;
  std::size_t count = 0;
  for (const tensor_report& row : rows) {
    if (measured && row.kind == measured->kind) continue;
    ++count;
    bytes += row.bytes();
  }
  if (count == 0) return {};
  return std::to_string(count) + (measured ? " other tensors in " : " tensors in ") +
         detail::fixed_text(bytes / 1e6, 2) + " MB " +
         (measured ? "are not in the total" : "without errors to measure");
}

}  // namespace bitgauge
