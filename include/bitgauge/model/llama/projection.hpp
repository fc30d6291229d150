#pragma once

/// \file
/// A matrix of a language model in whatever format it is stored.

#include <bitgauge/base/config.hpp>
#include <bitgauge/layer/float_linear.hpp>
#include <bitgauge/layer/linear.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/transform/stored/any_transform.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <Eigen/Core>

#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace bitgauge::llama {

class projection;
namespace detail {
BITGAUGE_DECLARE row_matrix project(const projection& p, const row_matrix& x);
}

/// y = W x + b of each row: a layer in floats, or with quantized weights, which a transform may have rewritten.
class projection {
 public:
  projection() = default;
  /// `bias`: one value an output, or none.
  projection(std::variant<float_linear, linear> layer, Eigen::VectorXf bias)
      : layer_(std::move(layer)), bias_(std::move(bias)) {}
  /// Of weights that a transform has rewritten.
  projection(std::variant<float_linear, linear> layer, Eigen::VectorXf bias, const stored_transform& t)
      : projection(std::move(layer), std::move(bias)) {
    transform_ = std::make_shared<const any_transform>(t, inputs());
    output_factors_ = Eigen::Map<const Eigen::VectorXf>(t.output_factors.data(),
                                                        static_cast<index_t>(t.output_factors.size()));
  }

  /// The same of weights that are a sum: those of `layer` and of each of `more`.
  projection with_more(std::vector<linear> more) && {
    more_ = std::move(more);
    return std::move(*this);
  }

  index_t inputs() const noexcept {
    return std::visit([](const auto& l) { return l.inputs(); }, layer_);
  }
  index_t outputs() const noexcept {
    return std::visit([](const auto& l) { return l.outputs(); }, layer_);
  }
  /// What a product reads.
  index_t bytes() const noexcept {
    index_t sum = std::visit([](const auto& l) { return l.bytes(); }, layer_) +
                  bias_.size() * static_cast<index_t>(sizeof(float));
    for (const linear& each : more_) sum += each.bytes();
    return sum;
  }
  bool is_quantized() const noexcept { return std::holds_alternative<linear>(layer_); }

  /// The same layer with other weights, in floats.
  projection with_weights(const row_matrix& weights, int threads) const {
    return {float_linear(weights, threads), bias_};
  }
  /// Rows of inputs() -> rows of outputs().
  row_matrix operator()(const row_matrix& x) const { return detail::project(*this, x); }
  const std::variant<float_linear, linear>& layer() const noexcept { return layer_; }
  /// Layers whose outputs are added to that one's.
  const std::vector<linear>& more_layers() const noexcept { return more_; }
  const Eigen::VectorXf& bias() const noexcept { return bias_; }
  /// What inputs go through first, or null.
  const any_transform* transform() const noexcept { return transform_.get(); }
  /// What outputs are multiplied by before the bias is added, or none.
  const Eigen::VectorXf& output_factors() const noexcept { return output_factors_; }

 private:
  std::variant<float_linear, linear> layer_;
  std::vector<linear> more_;
  Eigen::VectorXf bias_;
  std::shared_ptr<const any_transform> transform_;
  Eigen::VectorXf output_factors_;
};

}  // namespace bitgauge::llama

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/model/llama/projection_definitions.hpp>
#endif
