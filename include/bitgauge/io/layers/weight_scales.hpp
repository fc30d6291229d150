#pragma once

/// \file
/// Scales that stand beside the weights of foreign checkpoints, and 8-bit floats with their scales applied.
///
/// A weight of 8-bit floats NAME.weight (or NAME) and one of
///
///     NAME.weight_scale_inv   DeepSeek, Qwen, transformers (the inverse of what weights were divided by)
///     NAME.weight_scale       compressed-tensors, llm-compressor, FBGEMM, ModelOpt
///     NAME.scale              DeepSeek's own converted files
///     NAME.scale_weight       ComfyUI
///     NAME.qscale_weight      Mistral
///
/// are one tensor: value = element * scale. A scale is one number, or one for each row, column, group along
/// the row, or block: along each dimension its extent is that of the weight (one an element), 1 (one for all)
/// or the number of blocks, the last of which may be cut short. 128 x 128 is DeepSeek's and the rule; another
/// block is a power of two from 16 to 256, or else divides the extent; where a multiple of 16 that divides
/// and a power of two that does not give as many scales, neither is taken.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/dtype.hpp>
#include <bitgauge/io/bytes/tensor_view.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// The scales of a weight.
struct weight_scales {
  const tensor_view* tensor = nullptr;
  std::vector<std::uint64_t>
      block{};            ///< how many elements of each dimension share a scale; none: see problem
  std::string problem{};  ///< why they cannot be applied, where they cannot
};

namespace detail {

/// How many elements share a scale where `scales` of them cover `size` elements, or nothing where that is
/// not clear.
inline std::optional<std::uint64_t> scale_block(std::uint64_t size, std::uint64_t scales) {
  if (scales == 1 || size == 0) return std::max<std::uint64_t>(size, 1);
  if (scales == size) return 1;
  if (scales == 0 || scales > size) return std::nullopt;
  const auto blocks = [&](std::uint64_t block) { return size / block + (size % block != 0 ? 1 : 0); };
  if (blocks(128) == scales) return 128;
  const std::uint64_t even = size % scales == 0 ? size / scales : 0;
  for (const std::uint64_t power : {16u, 32u, 64u, 256u}) {
    if (blocks(power) != scales) continue;
    const bool is_other_block = even != 0 && even % 16 == 0 && even != power;
    return is_other_block ? std::nullopt : std::optional(power);
  }
  return even == 0 ? std::nullopt : std::optional(even);
}

/// The block of elements that share a scale, or nothing where the scales do not fit the weight.
inline std::optional<std::vector<std::uint64_t>> scale_block(const std::vector<std::uint64_t>& weight,
                                                             std::vector<std::uint64_t> scales) {
  const auto ones = [](std::span<const std::uint64_t> extents) {
    return std::ranges::all_of(extents, [](std::uint64_t extent) { return extent == 1; });
  };
  const bool is_one = ones(scales);
  const bool is_one_a_row =
      !is_one && !weight.empty() && scales.front() == weight.front() && ones(std::span(scales).subspan(1));
  if (is_one || is_one_a_row) scales.resize(weight.size(), 1);
  if (scales.size() != weight.size()) return std::nullopt;
  std::vector<std::uint64_t> block;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const auto found = scale_block(weight[i], scales[i]);
    if (!found) return std::nullopt;
    block.push_back(*found);
  }
  return block;
}

}  // namespace detail

/// Multiplies `values`, the elements of a tensor of this shape in the order of their indices, by the scales.
/// Each product is rounded once, in binary32. Linear time. Raises data_error where scales.problem is set.
inline void apply_scales(const weight_scales& scales, const std::vector<std::uint64_t>& shape,
                         float* values) {
  if (!scales.problem.empty()) raise(data_error(scales.problem));
  std::vector<float> factors(scales.tensor->element_count());
  convert_to(scales.tensor->type, scales.tensor->data.data(), factors.size(), factors.data());
  std::uint64_t rows = 1;
  for (std::size_t d = 0; d + 1 < shape.size(); ++d) rows *= shape[d];
  const std::uint64_t cols = shape.empty() ? 1 : shape.back();
  if (rows == 0 || cols == 0) return;
  const std::uint64_t col_block = shape.empty() ? 1 : scales.block.back();
  const std::uint64_t row_scales = (cols + col_block - 1) / col_block;
  parallel_for(static_cast<index_t>(rows), 0, [&](index_t r) {
    // the row's index in every dimension but the last, and with it the place of its scales
    std::uint64_t rest = static_cast<std::uint64_t>(r), place = 0, stride = row_scales;
    for (std::size_t d = shape.size(); d-- > 1;) {
      const std::uint64_t extent = shape[d - 1], block = scales.block[d - 1];
      place += rest % extent / block * stride;
      stride *= (extent + block - 1) / block;
      rest /= extent;
    }
    float* row = values + static_cast<std::uint64_t>(r) * cols;
    for (std::uint64_t c = 0; c < cols; ++c) row[c] *= factors[place + c / col_block];
  });
}

/// Which tensors of a foreign file are scales or other parameters of its quantized weights, by their names.
class weight_scale_index {
 public:
  /// \param tensors all of the file; must outlive this object and stay where they are
  explicit weight_scale_index(const std::vector<tensor_view>& tensors) {
    for (const tensor_view& tensor : tensors) by_name_.emplace(tensor.name, &tensor);
    for (const tensor_view& tensor : tensors)
      if (is_small_float(tensor.type) && tensor.type != dtype::f8_e8m0) find_scales(tensor);
    for (const tensor_view& tensor : tensors)
      if (!owners_.contains(tensor.name)) find_owner(tensor.name);
  }

  /// The scales of the weight called `name`, or null where there are none.
  const weight_scales* scales_of(std::string_view name) const {
    const auto found = scales_.find(name);
    return found == scales_.end() ? nullptr : &found->second;
  }
  /// True where scales_of() some weight gives this tensor: it is no tensor of its own.
  bool is_applied(std::string_view name) const {
    const auto found = owners_.find(name);
    const weight_scales* scales = found == owners_.end() ? nullptr : scales_of(found->second);
    return scales != nullptr && scales->tensor->name == name;
  }
  /// The tensor that `name` belongs to as scales or another parameter, by its name in the file; empty where
  /// it is a tensor of its own.
  std::string owner_of(std::string_view name) const {
    const auto found = owners_.find(name);
    return found == owners_.end() ? std::string() : found->second;
  }
  /// True where some weight of the file has scales, or scales are there without their weight.
  bool has_scales() const noexcept { return has_scales_; }

 private:
  static bool is_small_float(dtype type) { return traits_of(type).bits == 8 && traits_of(type).kind == 'f'; }

  const tensor_view* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }

  void find_scales(const tensor_view& weight) {
    std::vector<std::string> names{weight.name + "_scale_inv", weight.name + "_scale"};
    constexpr std::string_view ending = ".weight";
    if (weight.name.ends_with(ending)) {
      const std::string layer = weight.name.substr(0, weight.name.size() - ending.size());
      for (const char* suffix : {".scale", ".scale_weight", ".qscale_weight"})
        names.push_back(layer + suffix);
    }
    weight_scales found;
    for (const std::string& name : names) {
      const tensor_view* scales = find(name);
      if (scales == nullptr) continue;
      if (found.tensor != nullptr) {
        found.problem =
            "expected one tensor of scales, found " + excerpt(found.tensor->name) + " and " + excerpt(name);
        owners_.emplace(name, weight.name);
        break;
      }
      found.tensor = scales;
      owners_.emplace(name, weight.name);
    }
    if (found.tensor == nullptr) return;
    has_scales_ = true;
    if (found.problem.empty()) fit(weight, found);
    scales_.emplace(weight.name, std::move(found));
  }

  static void fit(const tensor_view& weight, weight_scales& found) {
    const tensor_view& scales = *found.tensor;
    const std::string shown = excerpt(scales.name) + " " + std::string(name_of(scales.type)) + " " +
                              detail::shape_text(scales.shape);
    if (!is_floating(scales.type) && scales.type != dtype::f8_e8m0) {
      found.problem = "expected scales that are floats, found " + shown;
    } else if (auto block = detail::scale_block(weight.shape, scales.shape)) {
      found.block = *std::move(block);
    } else {
      found.problem = "expected scales that fit " + std::string(name_of(weight.type)) + " " +
                      detail::shape_text(weight.shape) +
                      ": one, one a row or one a block (of 128 x 128 or another that divides), found " +
                      shown;
    }
  }

  /// Scales and other parameters of weights that are not decoded here, or not in this file: what ends in the
  /// first text belongs to what ends in one of the others.
  void find_owner(const std::string& name) {
    struct rule {
      std::string_view part, owner;
    };
    static constexpr std::array<rule, 12> rules{{{".scales", ".qweight"},
                                                 {".scales", ".codes"},
                                                 {".codebooks", ".codes"},
                                                 {".scale", ".W_q"},
                                                 {".zero", ".W_q"},
                                                 {"._scale", "._data._data"},
                                                 {"._shift", "._data._data"},
                                                 {"._scale", "._data"},
                                                 {"_scales", "_blocks"},
                                                 {".absmax", ".quant_map"},
                                                 {".weight_scale", ".weight_packed"},
                                                 {".weight_zero_point", ".weight_packed"}}};
    for (const rule& each : rules) {
      if (!name.ends_with(each.part)) continue;
      const std::string owner = name.substr(0, name.size() - each.part.size()) + std::string(each.owner);
      if (find(owner) == nullptr) continue;
      owners_.emplace(name, owner);
      return;
    }
    // no weight is called so, be its own in this file or in another shard
    for (const std::string_view part : {"_scale_inv", ".weight_scale"}) {
      if (!name.ends_with(part)) continue;
      has_scales_ = true;
      owners_.emplace(name, name.substr(0, name.rfind("_scale")));
      return;
    }
  }

  std::map<std::string, const tensor_view*, std::less<>> by_name_;
  std::map<std::string, weight_scales, std::less<>> scales_;
  std::map<std::string, std::string, std::less<>> owners_;
  bool has_scales_ = false;
};

}  // namespace bitgauge::io
