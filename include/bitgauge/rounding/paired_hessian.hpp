#pragma once

/// \file
/// Calibration of a layer whose inputs already come from quantized layers.

#include <bitgauge/error.hpp>
#include <bitgauge/numeric/dense/product.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/samples.hpp>

#include <Eigen/Core>

#include <string>

namespace bitgauge {

/// What is needed to minimise ||W X - Q X'||^2, where X are a layer's inputs in the original network and X'
/// its inputs in the network quantized so far: H = sum x' x'^T and C = sum x x'^T. The best weights without a
/// grid are W C H^-1, and (Q - W C H^-1) H (Q - W C H^-1)^T is what a grid adds to their error: so the layer
/// is rounded as these weights, with H as its Hessian, and makes up for the errors of the layers before it
/// (Li et al., GPTAQ, arXiv 2504.02692; Zhang et al., Qronos, arXiv 2505.11695).
///
///     paired_hessian pair(W.cols());
///     pair.accumulate(X, X_quantized);
///     auto q = quantize(W, affine<3>{}, per_group{64}, gptq{pair});
class paired_hessian {
 public:
  /// No samples yet. Throws shape_error unless inputs >= 1.
  explicit paired_hessian(index_t inputs) : quantized_(inputs) { cross_.setZero(inputs, inputs); }

  /// Adds a batch: the same samples through both networks, samples x inputs each. Throws as
  /// hessian::accumulate does, and shape_error where the two differ in shape. Cost: 2 * samples * d^2.
  template <class Original, class Quantized>
  void accumulate(const Eigen::MatrixBase<Original>& original, const Eigen::MatrixBase<Quantized>& quantized,
                  int threads = 0) {
    if (original.rows() != quantized.rows() || original.cols() != quantized.cols())
      raise(shape_error("paired hessian: expected two batches of one shape, found " + shape(original) +
                        " and " + shape(quantized)));
    detail::check_samples("paired hessian: original ", original);
    quantized_.accumulate(quantized, {}, threads);
    const Eigen::MatrixXd negated = -original.template cast<double>(),
                          own = quantized.template cast<double>();
    numeric::subtract_product(numeric::view_of(cross_), numeric::view_of(negated), numeric::view_of(own));
  }

  /// Adds what another thread, shard or rank has gathered. Throws shape_error for another number of inputs.
  void merge(const paired_hessian& other) {
    quantized_.merge(other.quantized_);
    cross_ += other.cross_;
  }

  index_t inputs() const noexcept { return quantized_.inputs(); }
  /// sum x' x'^T.
  const hessian& quantized() const noexcept { return quantized_; }
  /// sum x x'^T, original inputs along the rows.
  const Eigen::MatrixXd& cross() const noexcept { return cross_; }

 private:
  template <class Derived>
  static std::string shape(const Eigen::MatrixBase<Derived>& m) {
    return std::to_string(m.rows()) + " x " + std::to_string(m.cols());
  }

  hessian quantized_;
  Eigen::MatrixXd cross_;
};

}  // namespace bitgauge
