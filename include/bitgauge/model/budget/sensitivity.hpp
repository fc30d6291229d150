#pragma once

/// \file
/// What each tensor costs in each format: the relative error of its layer's outputs, or of its weights.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/answers/importance.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/model/budget/candidates.hpp>
#include <bitgauge/model/plan/model_options.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/quantize_tensor.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/tensors/tensor_sink.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
#include <bitgauge/model/tensors/weighted_sums.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bitgauge {
namespace detail {

/// Takes all and keeps nothing.
class no_sink final : public tensor_sink {
 public:
  void declare_copy(const tensor_info&, const stored_tensor_data&) override {}
  void declare_floats(const std::string&, const std::vector<std::uint64_t>&) override {}
  void declare_codes(const quantized_entry&) override {}
  void declare_blocks(const std::string&, gguf::tensor_type, const std::vector<std::uint64_t>&) override {}
  void copy(const tensor_info&, const stored_tensor_data&) override {}
  void write(const std::string&, const row_matrix&) override {}
  void write(const std::string&, const quantized_matrix&) override {}
  void write(const std::string&, const matrix_parameters&, const std::vector<float>&) override {}
  void write(const std::string&, const stored_transform&) override {}
  void write(const std::string&, const trellis_matrix&) override {}
  void write(const std::string&, const gguf::block_matrix&) override {}
  void commit() override {}
};

/// sum of v_j (w_ij - q_ij)^2 over sum of v_j w_ij^2, v the importance of columns.
class weighted_error {
 public:
  weighted_error(const tensor_source& source, const planned_tensor& row)
      : weights_(row.weights), values_(source.rows(row.place, row.how_rows, whole_)) {}

  void add(index_t first, const row_matrix& restored) {
    for (index_t r = 0; r < restored.rows(); ++r) {
      const auto original = values_.read(first + r, 1, scratch_).row(0);
      sums_.add(weights_.of_row(first + r, values_.rows()), original, restored.data() + r * restored.cols());
    }
  }
  double relative() const noexcept { return sums_.relative(); }

 private:
  const importance& weights_;
  row_matrix whole_;
  row_source values_;
  std::vector<float> scratch_;
  weighted_sums sums_;
};

/// Visits the candidates that are to be measured, tensor after tensor, and tells how far that is.
template <class Measure>
void for_each_candidate(model_candidates& all, const model_options& o, const Measure& measure) {
  model_progress now;
  const auto size_of = [](const candidate& each) {
    return static_cast<std::uint64_t>(each.plan.rows) * static_cast<std::uint64_t>(each.plan.cols);
  };
  for (const tensor_candidates& tensor : all.tensors)
    for (const candidate& each : tensor.formats) now.total += each.plan.is_copied() ? 0 : size_of(each);
  for (tensor_candidates& tensor : all.tensors)
    for (candidate& each : tensor.formats) {
      if (each.plan.is_copied()) continue;
      if (o.cancel && o.cancel()) raise(cancelled("cancelled by the caller (model_options::cancel)"));
      now.tensor = each.plan.name;
      if (o.progress) o.progress(now);
      measure(each);
      now.done += size_of(each);
      if (o.progress) o.progress(now);
    }
}

}  // namespace detail

/// Measures what every candidate costs, by quantizing each tensor to each of its formats once:
///
///     ||(W - Q) X||^2 / ||W X||^2             where `o.calibration` knows the inputs X of its layer,
///     sum v_j (w - q)^2 / sum v_j w^2         where the plan has an importance v of its columns,
///     ||W - Q||^2 / ||W||^2                   else.
///
/// The share of its outputs' energy that a layer loses can be compared between layers of any size: to first order the
/// loss of a language model is linear in it, with a factor of each layer's own (Malinovskii et al. 2024, "Pushing the
/// limits of large language model quantization via the linearity theorem") that is taken for 1 here.
/// llama::measure_divergence() measures it.
///
///     model_candidates all = candidates(file, rules, formats, {.calibration = &samples});
///     measure_errors(file, all, {.calibration = &samples});
///     const budget_plan best = plan_within(all, bit_budget(3.5));
///     quantize_model(file, best.plan, *io::open_sink("q.gguf", file), {.calibration = &samples});
///
/// Of `o`, restored is not called. Memory: that of quantize_model() for one tensor. Raises what that raises.
inline void measure_errors(const tensor_source& source, model_candidates& all, const model_options& o = {}) {
  detail::for_each_candidate(all, o, [&](candidate& each) {
    std::optional<detail::weighted_error> weighted;
    model_options how{.threads = o.threads,
                      .on_nonfinite = o.on_nonfinite,
                      .calibration = o.calibration,
                      .bound_inputs = 0,
                      .cancel = o.cancel};
    if (!each.plan.weights.weights.empty()) {
      weighted.emplace(source, each.plan);
      how.restored = [&](const std::string&, index_t first, const row_matrix& rows) {
        weighted->add(first, rows);
      };
    }
    detail::no_sink nothing;
    const tensor_report found = quantize_tensor(source, each.plan, nothing, how);
    const double relative = found.error.energy > 0 ? found.error.error_energy / found.error.energy : 0;
    each.cost = found.output_error ? *found.output_error : weighted ? weighted->relative() : relative;
  });
}

}  // namespace bitgauge
