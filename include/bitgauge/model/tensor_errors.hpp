#pragma once

/// \file
/// What quantizing a tensor costs, found out while its rows go by.

#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/row_matrix.hpp>
#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/metrics/nonfinite_pairs.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/tensor_source.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include <optional>
#include <vector>

namespace bitgauge::detail {

/// Sums the errors of a tensor over parts of its rows.
class tensor_errors {
 public:
  /// `h` may be null, and must live as long as this.
  tensor_errors(const row_source& values, const hessian* h, int threads)
      : values_(values), hessian_(h), threads_(threads) {}

  /// Adds the rows first .. first + part.rows() - 1.
  template <row_decodable Part>
  void add(index_t first, const Part& part) {
    const row_source original = values_.middle_rows(first, part.rows());
    const error_sums sums = measure_error(original, part, threads_);
    error_.merge(sums);
    if (!numeric::binary64::is_finite(sums.mse()) || nonfinite_) add_pairs(original, part);
    if (hessian_ != nullptr) output_.merge(measure_output_error(original, part, *hessian_, threads_));
  }

  void report(tensor_report& row) const {
    row.error = error_;
    if (nonfinite_) row.notes.push_back(nonfinite_->note());
    if (error_.error_energy > 0.8 * error_.energy)
      row.notes.emplace_back("hardly anything is left: the numbers are too small for the scheme's scales");
    if (hessian_ != nullptr) row.output_error = output_.relative();
  }

 private:
  /// Counted for all parts from the first one with such a number on: those before it have none.
  template <class Part>
  void add_pairs(const row_source& original, const Part& part) {
    if (!nonfinite_) nonfinite_.emplace();
    std::vector<float> scratch, approximation(static_cast<std::size_t>(part.cols()));
    for (index_t r = 0; r < part.rows(); ++r) {
      part.dequantize_row(r, approximation.data());
      nonfinite_->add(original.read(r, 1, scratch).row(0), approximation.data(), part.cols());
    }
  }

  const row_source& values_;
  const hessian* hessian_;
  int threads_;
  error_sums error_;
  std::optional<nonfinite_pairs> nonfinite_;
  output_error output_;
};

/// Sums the errors of a layer's outputs over parts of its rows where its inputs are quantized too.
class activation_errors {
 public:
  /// `activations` stand for the samples; where they are null nothing is measured. All must live as long as
  /// this.
  activation_errors(const row_source& values, const row_matrix* samples, const quantized_matrix* activations,
                    int threads)
      : values_(values), samples_(samples), activations_(activations), threads_(threads) {}

  /// Adds the rows first .. first + part.rows() - 1.
  template <row_decodable Part>
  void add(index_t first, const Part& part) {
    if (activations_ != nullptr)
      sums_.merge(measure_output_error(values_.middle_rows(first, part.rows()), part, *samples_,
                                       *activations_, threads_));
  }
  double relative() const noexcept { return sums_.relative(); }

 private:
  row_source values_;
  const row_matrix* samples_;
  const quantized_matrix* activations_;
  int threads_;
  output_error sums_;
};

}  // namespace bitgauge::detail
