#pragma once

// What is to become of each tensor of a file, decided before anything is written.

#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/layer/activation_scheme.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>

#include "calibration.hpp"
#include "column_weights.hpp"
#include "commands.hpp"
#include "tensor_choices.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace program {

/// What is to become of one tensor.
struct plan_row {
  const bitgauge::io::stored_tensor* tensor;
  std::optional<std::string> copied{};                   ///< why it is copied, where it is
  std::optional<bitgauge::gguf::tensor_type> blocks{};   ///< the ggml type it gets, where it gets one
  std::optional<bitgauge::io::quantized_entry> entry{};  ///< how its codes are stored, where they are
  bitgauge::io::row_dimensions rows = bitgauge::io::row_dimensions::all_but_last;
  bitgauge::importance importance{};
  std::vector<std::string> notes{};
};

/// What is to become of a file.
struct quantization_plan {
  std::vector<plan_row> rows;
  std::vector<std::string> remarks;                   ///< of no tensor in particular
  std::optional<bitgauge::gguf::tensor_type> type{};  ///< the ggml type asked for, where one is
};

/// Whether a tensor is rounded by GPTQ: floats that a fallback stores as they are have nothing to feed back.
bool feeds_back(const bitgauge::scheme& scheme, const plan_row& row);

/// Decides for every tensor before anything is written, so that what cannot be done is said first.
class planner {
 public:
  planner(const bitgauge::io::tensor_file& file, const quantize_options& options,
          const bitgauge::scheme& scheme, const calibration& samples, const column_weights& weights);

  quantization_plan plan() const;

 private:
  void read_fallbacks();
  void set_activations();
  void check_samples(const std::string& name, bitgauge::index_t cols, bool required) const;
  std::optional<bitgauge::io::stored_activations> make_activation_quantizer(
      const std::string& name, std::vector<std::string>& notes) const;
  std::optional<std::string> reason_to_copy(const bitgauge::io::stored_tensor& tensor) const;
  plan_row plan_one(const bitgauge::io::stored_tensor& tensor) const;
  void choose_rows(plan_row& row) const;
  void weigh(plan_row& row, bitgauge::index_t cols) const;
  bitgauge::gguf::tensor_type fitting_type(const bitgauge::io::stored_tensor& tensor,
                                           std::vector<std::string>& notes) const;

  const bitgauge::io::tensor_file& file_;
  const quantize_options& options_;
  const bitgauge::scheme& scheme_;
  const calibration& samples_;
  const column_weights& weights_;
  tensor_choices choices_;
  std::optional<bitgauge::activation_scheme> activations_;
  std::optional<bitgauge::gguf::tensor_type> type_;
  std::vector<bitgauge::gguf::tensor_type> fallbacks_;  ///< in the order of preference
};

}  // namespace program
