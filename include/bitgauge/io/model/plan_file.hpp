#pragma once

/// \file
/// Plans as JSON: which format each tensor is to get, and the figures that say why.

#include <bitgauge/base/config.hpp>
#include <bitgauge/io/bytes/byte_source.hpp>
#include <bitgauge/model/budget/candidates.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/plan/rule.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bitgauge::io {
namespace detail {

struct plan_entry {
  std::string name;
  std::string format, shape{};
};

}  // namespace detail

/// A plan as JSON that plan_file reads: "tensors" says of each its shape, format, bits per weight, bytes and, where it
/// was measured, its cost. `costs`: one for each tensor, or none. Formats may be changed by hand.
BITGAUGE_DECLARE nlohmann::ordered_json plan_json(const quantization_plan& p,
                                                  std::span<const std::optional<double>> costs = {});
/// The same of a plan within a budget, with the figures of all that is quantized.
BITGAUGE_DECLARE nlohmann::ordered_json plan_json(const budget_plan& b);

/// A plan that plan_json() has written.
class plan_file {
 public:
  /// Raises io_error where it cannot be read, parse_error for what is no plan, naming the byte and the tensor, and
  /// invalid_scheme for a format that is none.
  explicit plan_file(const std::filesystem::path& path) : plan_file(byte_source(path)) {}
  BITGAUGE_DECLARE explicit plan_file(const byte_source& source);

  /// Rules that make of a source what the plan says. Raises data_error, naming plan and tensor, where it is the plan
  /// of another model: where either lacks a tensor of the other, or a shape differs.
  BITGAUGE_DECLARE std::vector<rule> rules_for(const tensor_source& source) const;

 private:
  struct planned {
    detail::plan_entry said;
    tensor_format to;
  };

  std::string name_;
  std::vector<planned> tensors_;
};

}  // namespace bitgauge::io

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/io/model/plan_file_definitions.hpp>
#endif
