#pragma once

// --calibration: the activations that a tensor's columns are multiplied by, from whatever file holds them.

#include <bitgauge/error.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/numeric/bits.hpp>

#include "failure.hpp"

#include <optional>
#include <string>

namespace program {

/// Activations, samples x in: the one array of an .npy, or the tensors of a .safetensors by the name of the
/// weights.
class calibration {
 public:
  /// An empty path stands for none. Throws what reading the file throws.
  explicit calibration(const std::string& path) {
    if (!path.empty()) file_.emplace(path);
  }

  using matrix = bitgauge::io::tensor_file::float_matrix;

  /// The activations that go with the tensor called `name`; none where there is no file, or no tensor of this
  /// name in it. Throws located_error, naming the file, for NaN and infinity.
  std::optional<matrix> samples(const std::string& name) const {
    const bitgauge::io::stored_tensor* found = find(name);
    if (found == nullptr) return std::nullopt;
    return naming(file_->path(), found->name, [&] {
      matrix values = file_->matrix(*found);
      for (bitgauge::index_t i = 0; i < values.size(); ++i)
        if (!bitgauge::numeric::is_finite(values.data()[i])) reject(values, i, name);
      return values;
    });
  }

  /// The file, as given.
  const std::string& path() const { return file_->path(); }

  /// How many columns they have, without reading them.
  std::optional<bitgauge::index_t> columns(const std::string& name) const {
    const bitgauge::io::stored_tensor* found = find(name);
    if (found == nullptr) return std::nullopt;
    return file_->shape_of(*found).second;
  }

 private:
  [[noreturn]] static void reject(const matrix& values, bitgauge::index_t at, const std::string& name) {
    bitgauge::raise(bitgauge::data_error(
        "row " + std::to_string(at / values.cols()) + ", column " + std::to_string(at % values.cols()) +
        ": expected finite activations for tensor " + bitgauge::excerpt(name) + ", found " +
        (bitgauge::numeric::is_nan(values.data()[at]) ? "NaN" : "infinity")));
  }
  const bitgauge::io::stored_tensor* find(const std::string& name) const {
    if (!file_) return nullptr;
    const bool single = file_->path().ends_with(".npy");
    const bitgauge::io::stored_tensor* found = single ? &file_->tensors().front() : file_->find(name);
    if (found == nullptr) return nullptr;
    if (!found->is_real() || found->shape.size() != 2)
      bitgauge::raise(bitgauge::shape_error(file_->path() + ": activations of " + bitgauge::excerpt(name) +
                                            ": expected a matrix of floats, samples x in"));
    if (found->shape.front() == 0)
      bitgauge::raise(bitgauge::data_error(file_->path() + ": activations of " + bitgauge::excerpt(name) +
                                           ": expected at least 1 sample"));
    return found;
  }

  std::optional<bitgauge::io::tensor_file> file_;
};

}  // namespace program
