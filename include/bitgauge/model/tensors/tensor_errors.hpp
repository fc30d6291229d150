#pragma once

/// \file
/// What quantizing a tensor costs, found out while its rows go by.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/matrix/answers/importance.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/metrics/nonfinite_pairs.hpp>
#include <bitgauge/metrics/output_bound.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
#include <bitgauge/model/tensors/weighted_sums.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bitgauge::detail {

/// Sums the errors of a tensor over parts of its rows.
class tensor_errors {
 public:
  /// `h` may be null, and must live as long as this.
  tensor_errors(const row_source& values, const hessian* h, int threads)
      : values_(values), hessian_(h), threads_(threads) {}

  /// Has the report say the bound of the error too: under the Hessian where it has `most_inputs` at most, else by
  /// `weights`, which must live as long as this.
  void bound_by(const importance& weights, index_t most_inputs) {
    if (values_.rows() == 0 || values_.cols() == 0) return;  // of whatever extent the other is
    weights_ = &weights;
    most_inputs_ = most_inputs;
    energies_.resize(static_cast<std::size_t>(values_.rows()));
  }

  /// Adds the rows first .. first + part.rows() - 1.
  template <row_decodable Part>
  void add(index_t first, const Part& part) {
    const row_source original = values_.middle_rows(first, part.rows());
    if (weights_ != nullptr) add_energies(first, original, part);
    const error_sums sums = measure_error(original, part, threads_);
    error_.merge(sums);
    if (!numeric::binary64::is_finite(sums.mse()) || nonfinite_) add_pairs(original, part);
    if (hessian_ != nullptr) output_.merge(measure_output_error(original, part, *hessian_, threads_));
  }

  void report(tensor_report& row) const {
    row.error = error_;
    if (nonfinite_) row.notes.push_back(nonfinite_->note());
    // where inputs are known, weights may well be far off in directions that these hardly have
    if (hessian_ != nullptr ? output_.relative() > 0.8 : error_.error_energy > 0.8 * error_.energy)
      row.notes.emplace_back("hardly anything is left: the numbers are too small for the scheme's scales");
    if (hessian_ != nullptr) row.output_error = output_.relative();
    if (weights_ != nullptr) report_bound(row);
  }

 private:
  /// The energy of each row, and the errors of columns that do not count alike.
  template <class Part>
  void add_energies(index_t first, const row_source& original, const Part& part) {
    const std::vector<double> own = output_bound::row_energies(original, threads_);
    std::copy(own.begin(), own.end(), energies_.begin() + first);
    if (hessian_ != nullptr || weights_->weights.empty()) return;
    std::vector<weighted_sums> rows(own.size());
    parallel_for(part.rows(), threads_, [&](index_t r) {
      std::vector<float> scratch, restored(static_cast<std::size_t>(part.cols()));
      part.dequantize_row(r, restored.data());
      rows[static_cast<std::size_t>(r)].add(weights_->of_row(first + r, values_.rows()),
                                            original.read(r, 1, scratch).row(0), restored.data());
    });
    for (const weighted_sums& each : rows) weighted_.merge(each);
  }
  void report_bound(tensor_report& row) const {
    output_bound bound;
    double error = error_.error_energy;
    if (hessian_ != nullptr) {
      if (hessian_->inputs() > most_inputs_) {
        row.notes.push_back("no bound of the output error: " + std::to_string(hessian_->inputs()) +
                            " inputs are more than " + std::to_string(most_inputs_));
        return;
      }
      bound.add(output_bound::eigenvalues(*hessian_), energies_);
      error = output_.error;
    } else {
      bound.add(*weights_, values_.cols(), energies_);
      if (!weights_->weights.empty()) error = weighted_.error;
    }
    if (error > 0 && numeric::binary64::is_finite(error) && numeric::binary64::is_finite(bound.energy()))
      row.bound_bits = bound.bits(error);
  }

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
  const importance* weights_ = nullptr;  ///< where a bound is asked for
  index_t most_inputs_ = 0;
  std::vector<double> energies_;  ///< of rows
  weighted_sums weighted_;
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
