#pragma once

/// \file
/// What a plan is made by, beside its rules.

#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/layer/activation_scheme.hpp>
#include <bitgauge/model/plan/rule.hpp>
#include <bitgauge/model/tensors/calibration_source.hpp>
#include <bitgauge/model/tensors/importance_source.hpp>
#include <bitgauge/transform/stored/transform_scheme.hpp>

#include <optional>
#include <string>
#include <vector>

namespace bitgauge {

/// What messages call the settings of a plan: a program puts its options' names here.
struct plan_words {
  std::string calibration = "plan_options::calibration";
  std::string activations = "plan_options::activations";
  std::string transform = "plan_options::transform";
  std::string fallback = "plan_options::fallbacks";
  std::string copy = "tensor_format::copy()";
  std::string drop = "plan_options::drop";
  std::string rows = "a row_rule";
};

/// What a plan is made by, beside its rules.
struct plan_options {
  /// ggml types in the order of preference, for rows that the blocks of the type asked for do not divide.
  std::vector<gguf::tensor_type> fallbacks{};
  std::vector<name_pattern> drop{};  ///< tensors that are left out; each must match one
  std::vector<row_rule> rows{};      ///< how rows are counted: the first match counts
  bool requantize = false;           ///< quantized tensors too, from their values; else they are copied
  std::optional<activation_scheme> activations{};  ///< how layers quantize their inputs; with codes only
  std::optional<transform_scheme>
      transform{};  ///< what rewrites weights before they are quantized; with codes only
  const calibration_source* calibration = nullptr;  ///< for rounding=gptq, static activations and transforms
  const importance_source* importance = nullptr;
  plan_words words{};
};

}  // namespace bitgauge
