#pragma once

/// \file
/// One tensor of a plan: read, quantized, measured and handed to a sink, some rows at a time.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/layer/make_activation_quantizer.hpp>
#include <bitgauge/matrix/answers/options.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/plan/fitted_transform.hpp>
#include <bitgauge/model/plan/model_options.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/quantize.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/run/rewritten_tensor.hpp>
#include <bitgauge/model/tensors/calibration_source.hpp>
#include <bitgauge/model/tensors/locate_failures.hpp>
#include <bitgauge/model/tensors/tensor_errors.hpp>
#include <bitgauge/model/tensors/tensor_sink.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
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
    locate_failures(options.calibration->source_name(), "activations of " + row.name, [&] {
      hessian_ =
          samples_ ? hessian_of(*samples_) : options.calibration->hessian_of(row.name, options.threads);
    });
  }

  tensor_report run(tensor_sink& sink) const {
    row_matrix whole;
    const row_source values = source_.rows(row_.place, row_.how_rows, whole);
    const std::optional<rewritten_tensor> rewritten = rewrite(values);
    const row_source weights = rewritten ? rewritten->weights() : values;
    const hessian* const h = rewritten ? rewritten->h() : pointer_to(hessian_);
    const row_matrix* const samples = rewritten ? rewritten->samples() : pointer_to(samples_);
    const std::optional<quantized_matrix> inputs = quantized_inputs(samples);

    tensor_errors found(values, pointer_to(hessian_), options_.threads);
    if (options_.bound_inputs > 0) found.bound_by(row_.weights, options_.bound_inputs);
    // what inputs that are quantized too cost is seen where they are quantized
    activation_errors with_inputs(weights, samples, pointer_to(inputs), options_.threads);
    const auto take = [&](index_t first, const auto& part) {
      const auto handed_out = clock::now();
      sink.write(row_.name, part);
      const auto add = [&](const auto& original) {
        found.add(first, original);
        if (options_.restored)
          options_.restored(row_.name, first, original.template dequantize<row_matrix>());
      };
      if (rewritten) {
        add(restored_part(part, first, rewritten->rows()));
      } else {
        add(part);
      }
      with_inputs.add(first, part);
      elsewhere_ += clock::now() - handed_out;
    };
    gptq_report gained;
    const matrix_parameters groups =
        quantize_in_parts(weights, take, row_.to, feedback(h, gained),
                          rewritten ? rewritten->weights_of(row_.weights) : row_.weights, tensor_options());
    if (row_.entry && !row_.entry->trellis_bytes)
      sink.write(row_.name, groups, row_.entry->layout.encoding.levels);
    if (rewritten) sink.write(row_.name, rewritten->transform());

    tensor_report result;
    result.name = row_.name;
    result.rows = values.rows();
    result.cols = values.cols();
    result.scheme = row_.entry ? row_.entry->scheme : gguf::traits_of(*row_.to.type()).name;
    result.bits_per_weight = row_.bits_per_weight();
    result.seconds = std::chrono::duration<double>(clock::now() - start_ - elsewhere_).count();
    result.notes = row_.notes;
    found.report(result);
    if (rewritten) note(*rewritten, values, result);
    if (inputs) {
      result.activation_output_error = with_inputs.relative();
      detail::note(*row_.entry->activations, *result.activation_output_error, result.notes);
    }
    if (row_.to.feeds_back()) detail::note(gained, result.notes);
    return result;
  }

 private:
  using clock = std::chrono::steady_clock;

  hessian hessian_of(const row_matrix& samples) const {
    hessian h(samples.cols());
    h.accumulate(samples, {}, options_.threads);
    return h;
  }

  template <class Value>
  static const Value* pointer_to(const std::optional<Value>& value) {
    return value ? &*value : nullptr;
  }
  gptq_inputs feedback(const hessian* h, gptq_report& gained) const {
    return {row_.to.feeds_back() ? h : nullptr, &gained};
  }
  options tensor_options() const {
    options o{.threads = options_.threads, .on_nonfinite = options_.on_nonfinite};
    if (advance_) o.progress = [this](index_t done, index_t) { advance_(done); };
    o.cancel = options_.cancel;
    return o;
  }
  /// The activations that a layer whose inputs are quantized too would see.
  std::optional<quantized_matrix> quantized_inputs(const row_matrix* samples) const {
    if (samples == nullptr || !row_.entry || !row_.entry->activations) return std::nullopt;
    const stored_activations& activations = *row_.entry->activations;
    return make_activation_quantizer(activations.scheme, activations.frozen)(
        *samples, options{.threads = options_.threads, .on_nonfinite = options_.on_nonfinite});
  }

  /// Of the tensor's activations, where its transform needs them.
  std::optional<activation_stats> stats() const {
    if (!row_.entry->transform->scheme.needs_activations()) return std::nullopt;
    if (!samples_) return options_.calibration->stats_of(row_.name);
    activation_stats s(samples_->cols());
    s.observe(*samples_);
    return s;
  }
  /// The tensor as its transform makes it, where the plan says so.
  std::optional<rewritten_tensor> rewrite(const row_source& values) const {
    if (!row_.entry || !row_.entry->transform) return std::nullopt;
    stored_transform t = fitted_transform(*row_.entry->transform, values, stats(), pointer_to(hessian_),
                                          row_.to, row_.entry->activations, options_.threads);
    return rewritten_tensor(std::move(t), values, pointer_to(samples_), pointer_to(hessian_),
                            options_.threads);
  }
  /// Says what the transform has gained: the output error without it and with it.
  void note(const rewritten_tensor& rewritten, const row_source& values, tensor_report& result) const {
    const std::string text = to_text(rewritten.transform().scheme);
    if (!hessian_) return result.notes.push_back(text), void();
    tensor_errors plain(values, &*hessian_, options_.threads);
    gptq_report gained;
    options quiet{.threads = options_.threads, .on_nonfinite = options_.on_nonfinite};
    quiet.cancel = options_.cancel;
    static_cast<void>(quantize_in_parts(
        values, [&](index_t first, const auto& part) { plain.add(first, part); }, row_.to,
        feedback(&*hessian_, gained), row_.weights, quiet));
    tensor_report before;
    plain.report(before);
    result.notes.push_back("output error " + general_text(*before.output_error, 3) + " plain, " +
                           general_text(*result.output_error, 3) + " " + text);
  }

  const tensor_source& source_;
  const planned_tensor& row_;
  const model_options& options_;
  const std::function<void(index_t)>& advance_;
  clock::time_point start_ = clock::now();
  mutable clock::duration elsewhere_{};
  std::optional<row_matrix> samples_;
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
