#pragma once

// --calibration: the activations that a tensor's columns are multiplied by, from whatever file holds them.

#include <bitgauge/error.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/rounding/hessian.hpp>

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

  /// The Hessian of the activations of the tensor called `name`; none where there is no file, or no tensor of
  /// this name in it.
  std::optional<bitgauge::hessian> of(const std::string& name, int threads) const {
    if (!file_) return std::nullopt;
    const bool single = file_->path().ends_with(".npy");
    const bitgauge::io::stored_tensor* found = single ? &file_->tensors().front() : file_->find(name);
    if (found == nullptr) return std::nullopt;
    if (!found->is_real() || found->shape.size() != 2)
      bitgauge::raise(bitgauge::shape_error(file_->path() + ": activations of " + name +
                                            ": expected a matrix of floats, samples x in"));
    const bitgauge::io::tensor_file::float_matrix samples = file_->matrix(*found);
    if (samples.rows() == 0)
      bitgauge::raise(
          bitgauge::data_error(file_->path() + ": activations of " + name + ": expected at least 1 sample"));
    bitgauge::hessian h(samples.cols());
    h.accumulate(samples, {}, threads);
    return h;
  }

 private:
  std::optional<bitgauge::io::tensor_file> file_;
};

}  // namespace program
