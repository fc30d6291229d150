#pragma once

// What quantizing a tensor costs, found out while its rows go by.

#include <bitgauge/layer/make_activation_quantizer.hpp>
#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include "calibration.hpp"
#include "nonfinite_note.hpp"
#include "report.hpp"

#include <optional>
#include <vector>

namespace program {

/// Sums the errors of a tensor over parts of its rows.
class measurement {
 public:
  /// `h` and `samples` may be null; `activations` stand for the samples, where the inputs are quantized too.
  /// All must live as long as this.
  measurement(const bitgauge::row_source& values, const bitgauge::hessian* h,
              const calibration::matrix* samples, const bitgauge::quantized_matrix* activations, int threads)
      : values_(values), hessian_(h), samples_(samples), activations_(activations), threads_(threads) {}

  /// Adds the rows first .. first + part.rows() - 1.
  template <bitgauge::row_decodable Part>
  void add(bitgauge::index_t first, const Part& part) {
    const bitgauge::row_source original = values_.middle_rows(first, part.rows());
    const bitgauge::error_sums sums = bitgauge::measure_error(original, part, threads_);
    error_.merge(sums);
    if (!bitgauge::numeric::binary64::is_finite(sums.mse()) || nonfinite_) add_pairs(original, part);
    if (hessian_ != nullptr)
      output_.merge(bitgauge::measure_output_error(original, part, *hessian_, threads_));
    if (activations_ != nullptr)
      activation_output_.merge(
          bitgauge::measure_output_error(original, part, *samples_, *activations_, threads_));
  }

  void report(report_row& row) const {
    row.error = error_;
    if (nonfinite_) row.notes.push_back(nonfinite_->note());
    if (error_.error_energy > 0.8 * error_.energy)
      row.notes.push_back("hardly anything is left: the numbers are too small for the scheme's scales");
    if (hessian_ != nullptr) row.output_error = output_.relative();
    if (activations_ != nullptr) row.activation_output_error = activation_output_.relative();
  }

 private:
  /// Counted for all parts from the first one with such a number on: those before it have none.
  template <class Part>
  void add_pairs(const bitgauge::row_source& original, const Part& part) {
    if (!nonfinite_) nonfinite_.emplace();
    std::vector<float> scratch, approximation(static_cast<std::size_t>(part.cols()));
    for (bitgauge::index_t r = 0; r < part.rows(); ++r) {
      part.dequantize_row(r, approximation.data());
      nonfinite_->add(original.read(r, 1, scratch).row(0), approximation.data(), part.cols());
    }
  }

  const bitgauge::row_source& values_;
  const bitgauge::hessian* hessian_;
  const calibration::matrix* samples_;
  const bitgauge::quantized_matrix* activations_;
  int threads_;
  bitgauge::error_sums error_;
  std::optional<nonfinite_pairs> nonfinite_;
  bitgauge::output_error output_, activation_output_;
};

}  // namespace program
