#pragma once

/// \file
/// The linear layers of a network, quantized by rules; each that stays in floats with its reason.

#include <bitgauge/base/name_pattern.hpp>
#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/layer/linear.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>

#include <cstddef>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bitgauge {

/// A layer in floats: Y = X W^T + b over samples x in.
struct float_layer {
  std::string name;
  Eigen::MatrixXf weights;  ///< out x in
  Eigen::VectorXf bias{};   ///< one value an output, or none

  template <class X>
  linear::output_for<X> operator()(const Eigen::DenseBase<X>& x) const {
    if (x.cols() != weights.cols())
      detail::raise_message<shape_error>({"layer ", excerpt(name), " of ", weights.cols(),
                                          " inputs: expected samples as rows, found ", x.rows(), " x ",
                                          x.cols()});
    linear::output_for<X> y = x.derived().matrix().template cast<float>() * weights.transpose();
    if (bias.size() > 0) y.rowwise() += bias.transpose();
    return y;
  }
};

/// What makes a quantized layer of one in floats.
using layer_conversion = std::function<linear(const float_layer&)>;

/// The conversion by a scheme and options that are the same for every layer.
inline layer_conversion quantized_by(const scheme& weights, const linear_options& how = {}) {
  return [=](const float_layer& l) { return linear(quantize(l.weights, weights), l.bias, how); };
}

/// What becomes of the layers whose names match; of several rules the first counts.
struct layer_rule {
  name_pattern names;
  layer_conversion to{};  ///< none: they stay in floats
  std::string why{};      ///< said of each layer that it decides; empty: names.shown()
};

/// A layer after replace_layers(): quantized, or in floats as it was.
class replaced_layer {
 public:
  replaced_layer(float_layer kept, std::string reason)
      : name_(kept.name), reason_(std::move(reason)), layer_(std::move(kept)) {}
  replaced_layer(std::string name, linear quantized, std::string reason)
      : name_(std::move(name)), reason_(std::move(reason)), layer_(std::move(quantized)) {}

  const std::string& name() const noexcept { return name_; }
  /// Which rule decided, or why the layer was kept.
  const std::string& reason() const noexcept { return reason_; }
  bool is_quantized() const noexcept { return quantized() != nullptr; }
  /// One of them is null.
  const linear* quantized() const noexcept { return std::get_if<linear>(&layer_); }
  const float_layer* in_floats() const noexcept { return std::get_if<float_layer>(&layer_); }

  index_t inputs() const noexcept {
    return is_quantized() ? quantized()->inputs() : in_floats()->weights.cols();
  }
  index_t outputs() const noexcept {
    return is_quantized() ? quantized()->outputs() : in_floats()->weights.rows();
  }
  /// Of weights and bias.
  index_t bytes() const noexcept {
    if (is_quantized()) return quantized()->bytes();
    return (in_floats()->weights.size() + in_floats()->bias.size()) * static_cast<index_t>(sizeof(float));
  }

  /// Y, samples x out; see linear::forward.
  template <class X>
  linear::output_for<X> operator()(const Eigen::DenseBase<X>& x) const {
    return is_quantized() ? (*quantized())(x) : (*in_floats())(x);
  }

 private:
  std::string name_, reason_;
  std::variant<float_layer, linear> layer_;
};

/// A layer that stayed in floats.
struct kept_layer {
  std::string name, reason;
};

/// The layers of a network in their order. `os << layers` lists them.
class replaced_layers {
 public:
  explicit replaced_layers(std::vector<replaced_layer> all, std::vector<std::string> remarks = {})
      : all_(std::move(all)), remarks_(std::move(remarks)) {}

  std::size_t size() const noexcept { return all_.size(); }
  const replaced_layer& operator[](std::size_t i) const { return all_[i]; }
  auto begin() const noexcept { return all_.begin(); }
  auto end() const noexcept { return all_.end(); }

  /// Throws data_error where there is no such layer.
  const replaced_layer& at(std::string_view name) const {
    for (const replaced_layer& each : all_)
      if (each.name() == name) return each;
    detail::raise_message<data_error>(
        {"layer ", excerpt(name), ": expected one of the ", all_.size(), " layers, found none of this name"});
  }
  /// Those that stayed in floats, and why.
  std::vector<kept_layer> kept() const {
    std::vector<kept_layer> found;
    for (const replaced_layer& each : all_)
      if (!each.is_quantized()) found.push_back({each.name(), each.reason()});
    return found;
  }
  /// Rules that match no layer: a mistyped name would change nothing in silence.
  const std::vector<std::string>& remarks() const noexcept { return remarks_; }
  index_t bytes() const noexcept {
    index_t sum = 0;
    for (const replaced_layer& each : all_) sum += each.bytes();
    return sum;
  }

  friend std::ostream& operator<<(std::ostream& os, const replaced_layers& layers) {
    for (const replaced_layer& each : layers)
      os << printable(each.name()) << ": " << each.outputs() << " x " << each.inputs() << ", " << each.bytes()
         << " bytes, " << (each.is_quantized() ? "quantized: " : "kept: ") << printable(each.reason())
         << '\n';
    for (const std::string& remark : layers.remarks()) os << printable(remark) << '\n';
    return os;
  }

 private:
  std::vector<replaced_layer> all_;
  std::vector<std::string> remarks_;
};

namespace detail {

/// Puts "layer NAME: " before what a conversion complains about.
inline linear converted(const float_layer& layer, const layer_conversion& to) {
  const auto place = [&](const char* message) { return "layer " + excerpt(layer.name) + ": " + message; };
#if BITGAUGE_EXCEPTIONS
  try {
#endif
    linear made = to(layer);
    if (made.inputs() != layer.weights.cols() || made.outputs() != layer.weights.rows())
      raise_message<shape_error>({"expected a layer of ", layer.weights.rows(), " x ", layer.weights.cols(),
                                  ", found ", made.outputs(), " x ", made.inputs()});
    return made;
#if BITGAUGE_EXCEPTIONS
  } catch (const shape_error& failure) {
    raise(shape_error(place(failure.what())));
  } catch (const invalid_scheme& failure) {
    raise(invalid_scheme(place(failure.what())));
  } catch (const data_error& failure) {
    raise(data_error(place(failure.what())));
  }
#else
  static_cast<void>(place);
#endif
}

inline void check_layer(const float_layer& layer) {
  if (layer.bias.size() != 0 && layer.bias.size() != layer.weights.rows())
    raise_message<shape_error>({"layer ", excerpt(layer.name), ": bias: expected ", layer.weights.rows(),
                                " values, found ", layer.bias.size()});
}

}  // namespace detail

/// Replaces layers by rules, the first that matches a name counting; what none matches stays in floats.
/// Layers are taken over, move them in where they are large. Throws what conversions throw, with the layer's
/// name, and shape_error for a bias of another count.
///
///     const auto layers = replace_layers(std::move(network),
///                                        {{"*.attention.*", quantized_by(parse_scheme("symmetric"))},
///                                         {"head", {}, "its outputs are compared"}});
///     Y = layers.at("head")(X);
inline replaced_layers replace_layers(std::vector<float_layer> layers, const std::vector<layer_rule>& rules) {
  std::vector<replaced_layer> all;
  std::vector<std::string> remarks;
  for (const layer_rule& rule : rules) {
    bool matches = false;
    for (const float_layer& layer : layers) matches = matches || rule.names.matches(layer.name);
    if (!matches) remarks.push_back(rule.names.shown() + " matches no layer");
  }
  for (float_layer& layer : layers) {
    detail::check_layer(layer);
    const layer_rule* decides = nullptr;
    for (const layer_rule& rule : rules)
      if (decides == nullptr && rule.names.matches(layer.name)) decides = &rule;
    std::string reason = "no rule matches";
    if (decides != nullptr) reason = decides->why.empty() ? decides->names.shown() : decides->why;
    if (decides != nullptr && decides->to)
      all.emplace_back(layer.name, detail::converted(layer, decides->to), std::move(reason));
    else
      all.emplace_back(std::move(layer), std::move(reason));
  }
  return replaced_layers(std::move(all), std::move(remarks));
}

/// Replaces all layers but the last, as is the practice: what a network says is most sensitive to the layer
/// that says it, which is often small.
///
///     const auto int4 = parse_scheme("affine:bits=4,group=128");
///     const auto layers = replace_layers(std::move(network), quantized_by(int4));
///     for (const auto& layer : layers) X = layer(X);
inline replaced_layers replace_layers(std::vector<float_layer> layers, const layer_conversion& to) {
  std::vector<replaced_layer> all;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    detail::check_layer(layers[i]);
    if (i + 1 < layers.size())
      all.emplace_back(layers[i].name, detail::converted(layers[i], to), "all but the last layer");
    else
      all.emplace_back(std::move(layers[i]), "the last layer stays in floats unless a rule names it");
  }
  return replaced_layers(std::move(all));
}

}  // namespace bitgauge
