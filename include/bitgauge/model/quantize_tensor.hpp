#pragma once

/// \file
/// One tensor of a plan: read, quantized, measured and handed to a sink, some rows at a time.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/layer/make_activation_quantizer.hpp>
#include <bitgauge/matrix/options.hpp>
#include <bitgauge/model/calibration_source.hpp>
#include <bitgauge/model/locate_failures.hpp>
#include <bitgauge/model/model_options.hpp>
#include <bitgauge/model/plan.hpp>
#include <bitgauge/model/quantize.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/tensor_errors.hpp>
#include <bitgauge/model/tensor_sink.hpp>
#include <bitgauge/model/tensor_source.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bitgauge {
namespace detail {

/// What error feedback met and gained.
inline void note(const gptq_report& report, std::vector<std::string>& notes) {
  const auto share = [&](double error) { return general_text(error / report.energy, 3); };
  if (report.energy > 0)
    notes.push_back("output error " + share(report.nearest_error) + " nearest, " + share(report.gptq_error) +
                    " gptq");
  if (report.error < report.gptq_error) notes.push_back(share(report.error) + " after search");
  if (report.predicted_error > 0 && report.energy > 0)
    notes.push_back(share(report.predicted_error) + " predicted");
  if (report.damping_raised > 0)
    notes.push_back("damping raised " + std::to_string(report.damping_raised) + " times, to " +
                    general_text(report.damping, 3));
  if (!report.dead_columns.empty())
    notes.push_back(std::to_string(report.dead_columns.size()) + " dead columns");
}
inline void note(const stored_activations& inputs, double error, std::vector<std::string>& notes) {
  notes.push_back("output error " + general_text(error, 3) + " with " + to_text(inputs.scheme) + " inputs" +
                  (inputs.scheme.is_static
                       ? " (scale " + general_text(static_cast<double>(inputs.frozen.scale), 4) +
                             ", zero point " + std::to_string(inputs.frozen.zero_point) + ")"
                       : ""));
}

/// The work on one tensor.
class tensor_quantization {
 public:
  tensor_quantization(const tensor_source& source, const planned_tensor& row, const model_options& options,
                      const std::function<void(index_t)>& advance)
      : source_(source), row_(row), options_(options), advance_(advance) {
    if (options.calibration == nullptr) return;
    samples_ = options.calibration->samples(row.name);
    if (!samples_) return;
    locate_failures(options.calibration->source_name(), "activations of " + row.name, [&] {
      hessian_.emplace(samples_->cols());
      hessian_->accumulate(*samples_, {}, options_.threads);
    });
  }

  tensor_report run(tensor_sink& sink) const {
    float_rows whole;
    const row_source values = source_.rows(row_.place, row_.how_rows, whole);
    const std::optional<quantized_matrix> inputs = quantized_inputs();
    tensor_errors found(values, hessian_ ? &*hessian_ : nullptr, samples_ ? &*samples_ : nullptr,
                        inputs ? &*inputs : nullptr, options_.threads);
    const auto take = [&](index_t first, const auto& part) {
      const auto handed_out = clock::now();
      sink.write(row_.name, part);
      found.add(first, part);
      elsewhere_ += clock::now() - handed_out;
    };
    gptq_report gained;
    const gptq_inputs feedback{row_.to.feeds_back() && hessian_ ? &*hessian_ : nullptr, &gained};
    const matrix_parameters groups =
        quantize_in_parts(values, take, row_.to, feedback, row_.weights, tensor_options());
    if (row_.entry) sink.write(row_.name, groups, row_.entry->layout.encoding.levels);

    tensor_report result;
    result.name = row_.name;
    result.rows = values.rows();
    result.cols = values.cols();
    result.scheme = row_.entry ? row_.entry->scheme : gguf::traits_of(*row_.to.type()).name;
    result.bits_per_weight = row_.bits_per_weight();
    result.seconds = std::chrono::duration<double>(clock::now() - start_ - elsewhere_).count();
    result.notes = row_.notes;
    found.report(result);
    if (inputs) note(*row_.entry->activations, *result.activation_output_error, result.notes);
    if (row_.to.feeds_back()) note(gained, result.notes);
    return result;
  }

 private:
  using clock = std::chrono::steady_clock;

  options tensor_options() const {
    options o{.threads = options_.threads, .on_nonfinite = options_.on_nonfinite};
    if (advance_) o.progress = [this](index_t done, index_t) { advance_(done); };
    o.cancel = options_.cancel;
    return o;
  }
  /// The activations that a layer whose inputs are quantized too would see.
  std::optional<quantized_matrix> quantized_inputs() const {
    if (!samples_ || !row_.entry || !row_.entry->activations) return std::nullopt;
    const stored_activations& activations = *row_.entry->activations;
    return make_activation_quantizer(activations.scheme, activations.frozen)(
        *samples_, options{.threads = options_.threads, .on_nonfinite = options_.on_nonfinite});
  }

  const tensor_source& source_;
  const planned_tensor& row_;
  const model_options& options_;
  const std::function<void(index_t)>& advance_;
  clock::time_point start_ = clock::now();
  mutable clock::duration elsewhere_{};
  std::optional<float_rows> samples_;
  std::optional<hessian> hessian_;
};

}  // namespace detail

/// Does to one tensor what its plan says: reads it, quantizes it, hands it to the sink, which must have
/// declared it, and measures the error. Rows go by some at a time, so that a tensor of any size takes little
/// memory beside its source; error feedback takes it whole. A tensor that is copied is not looked into.
/// `advance`, where set, is called with the elements done. Raises what quantize() and the sink raise, the
/// source and the tensor before it.
inline tensor_report quantize_tensor(const tensor_source& source, const planned_tensor& row,
                                     tensor_sink& sink, const model_options& options = {},
                                     const std::function<void(index_t)>& advance = {}) {
  if (row.is_copied()) {
    const tensor_info& tensor = source.info(row.place);
    tensor_report result;
    locate_failures(source.source_name(), row.name, [&] { sink.copy(tensor, source.stored(row.place)); });
    result.name = row.name;
    result.kind = report_kind::identical;
    result.scheme = tensor.format;
    result.rows = row.rows;
    result.cols = row.cols;
    result.bits_per_weight = tensor.bits_per_weight();
    result.notes.push_back("copied: " + row.why);
    return result;
  }
  const detail::tensor_quantization work(source, row, options, advance);
  return locate_failures(source.source_name(), row.name, [&] { return work.run(sink); });
}

}  // namespace bitgauge
