#pragma once

/// \file
/// Where the activations of layers come from, by the names of their tensors.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/transform/activations/activation_stats.hpp>

#include <cstdint>
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
  /// The activations that the tensor's columns are multiplied by; none where they are not kept. Raises data_error for NaN and infinity.
  virtual std::optional<row_matrix> samples(const std::string& tensor) const = 0;
  /// Of a source that does not keep samples: their Hessian, and what transforms need to know of them.
  virtual std::optional<hessian> hessian_of(const std::string&, int) const { return std::nullopt; }
  virtual std::optional<activation_stats> stats_of(const std::string&) const { return std::nullopt; }
  /// A number that tells what they are computed from, from anything else.
  virtual std::uint64_t fingerprint() const { return 0; }
};

}  // namespace bitgauge
