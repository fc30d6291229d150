#pragma once

/// \file
/// A matrix of a language model in whatever format it is stored.

#include <bitgauge/base/config.hpp>
#include <bitgauge/layer/float_linear.hpp>
#include <bitgauge/layer/linear.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <utility>
#include <variant>

namespace bitgauge::llama {

class projection;
namespace detail {
BITGAUGE_DECLARE row_matrix project(const projection& p, const row_matrix& x);
}

/// y = W x + b of each row: a layer in floats, or with quantized weights.
class projection {
 public:
  projection() = default;
  projection(float_linear layer, Eigen::VectorXf bias) : layer_(std::move(layer)), bias_(std::move(bias)) {}
  projection(linear layer) : layer_(std::move(layer)) {}

  index_t inputs() const noexcept {
    return std::visit([](const auto& l) { return l.inputs(); }, layer_);
  }
  index_t outputs() const noexcept {
    return std::visit([](const auto& l) { return l.outputs(); }, layer_);
  }
  /// What a product reads.
  index_t bytes() const noexcept {
    return std::visit([](const auto& l) { return l.bytes(); }, layer_) +
           bias_.size() * static_cast<index_t>(sizeof(float));
  }
  bool is_quantized() const noexcept { return std::holds_alternative<linear>(layer_); }

  /// The same layer with other weights, in floats.
  projection with_weights(row_matrix weights, int threads) const {
    Eigen::VectorXf b = bias_;
    if (const auto* quantized = std::get_if<linear>(&layer_))
      b = Eigen::Map<const Eigen::VectorXf>(quantized->bias().data(),
                                            static_cast<index_t>(quantized->bias().size()));
    return {float_linear(std::move(weights), threads), std::move(b)};
  }
  /// Rows of inputs() -> rows of outputs().
  row_matrix operator()(const row_matrix& x) const { return detail::project(*this, x); }
  const std::variant<float_linear, linear>& layer() const noexcept { return layer_; }
  /// Of a layer in floats; linear has its own.
  const Eigen::VectorXf& bias() const noexcept { return bias_; }

 private:
  std::variant<float_linear, linear> layer_;
  Eigen::VectorXf bias_;  // of a layer in floats
};

}  // namespace bitgauge::llama

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/model/llama/block_definitions.hpp>
#endif
