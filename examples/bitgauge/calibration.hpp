#pragma once

// --calibration: the activations that a tensor's columns are multiplied by, from whatever file holds them.

#include <bitgauge/error.hpp>
#include <bitgauge/io/tensor_file.hpp>

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
  /// name in it.
  std::optional<matrix> samples(const std::string& name) const {
    const bitgauge::io::stored_tensor* found = find(name);
    if (found == nullptr) return std::nullopt;
    return file_->matrix(*found);
  }

  /// How many columns they have, without reading them.
  std::optional<bitgauge::index_t> columns(const std::string& name) const {
    const bitgauge::io::stored_tensor* found = find(name);
    if (found == nullptr) return std::nullopt;
    return file_->shape_of(*found).second;
  }

 private:
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
