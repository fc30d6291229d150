#pragma once

/// \file
/// How the work on a model is carried out.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/answers/options.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/plan/finished_tensors.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/tensors/calibration_source.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace bitgauge {

/// How far the work on a model has come, in elements of all its tensors.
struct model_progress {
  std::string_view tensor;  ///< what is worked on
  std::uint64_t done = 0;   ///< grows from call to call
  std::uint64_t total = 0;
  bool between_tensors = true;  ///< false: within a tensor
  /// From 0 to 1; 1 where there is nothing to do.
  double fraction() const noexcept {
    return total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1;
  }
};

/// What options are for one matrix; never changes the bytes of finite data.
struct model_options {
  int threads = 0;  ///< 0: all that OpenMP, or the installed hook, has
  nonfinite on_nonfinite = nonfinite::reject;
  /// Where rounding=gptq gets its Hessians and the report its output errors from: what the plan was made
  /// with.
  const calibration_source* calibration = nullptr;
  /// The report says the rate-distortion bound of each error, which under a Hessian of n inputs takes some 4 n^3 / 3
  /// multiplications, 1.5 s for 2048: not for more inputs than this. 0: for none.
  index_t bound_inputs = 2048;
  /// Called with what each quantized tensor has become, in its original basis: some rows after the other, those from
  /// `first` on, before the next tensor is begun. From one thread at a time.
  std::function<void(const std::string& tensor, index_t first, const row_matrix& values)> restored{};
  /// Called with what is said of each quantized tensor, which may be added to, after all of its values and before the
  /// next tensor is begun; `is_new` is false where it comes from `finished`.
  std::function<void(tensor_report& row, bool is_new)> reported{};
  /// Where finished tensors are kept until all are there; those that it has already are not done again, to the same
  /// bytes. Null: nowhere.
  finished_tensors* finished = nullptr;
  /// Called before and after each tensor and some rows apart within; the last call has done == total. From
  /// one thread at a time. What it throws ends the work and reaches the caller.
  std::function<void(const model_progress&)> progress{};
  /// Asked around every few rows, from several threads at once: true ends the work by the error `cancelled`.
  std::function<bool()> cancel{};
};

}  // namespace bitgauge
