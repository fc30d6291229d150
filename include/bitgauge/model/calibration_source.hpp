#pragma once

/// \file
/// Where the activations of layers come from, by the names of their tensors.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/tensor_source.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include <optional>
#include <string>

namespace bitgauge {

/// Activations, samples x in, for each of some tensors: a file (io::calibration_file), or one's own.
class calibration_source {
 public:
  virtual ~calibration_source() = default;

  /// What messages call it, such as its path.
  virtual const std::string& source_name() const = 0;
  /// The columns of samples(name), without reading them; none where there are none for this tensor.
  virtual std::optional<index_t> columns(const std::string& tensor) const = 0;
  /// The activations that the tensor's columns are multiplied by. Raises data_error for NaN and infinity.
  virtual std::optional<float_rows> samples(const std::string& tensor) const = 0;
  /// Their Hessian; of samples() where nothing else is said. Raises data_error for NaN and infinity.
  virtual std::optional<hessian> hessian_of(const std::string& tensor, int threads) const {
    const std::optional<float_rows> x = samples(tensor);
    if (!x) return std::nullopt;
    hessian h(x->cols());
    h.accumulate(*x, {}, threads);
    return h;
  }
};

}  // namespace bitgauge
