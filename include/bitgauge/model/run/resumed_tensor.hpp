#pragma once

/// \file
/// A tensor of a plan, quantized or taken from what an earlier run has finished.

#include <bitgauge/error.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/matrix/codes/matrix_parameters.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>
#include <bitgauge/model/plan/finished_tensors.hpp>
#include <bitgauge/model/plan/model_options.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/quantize_tensor.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/run/rewritten_tensor.hpp>
#include <bitgauge/model/tensors/tensor_sink.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace bitgauge::detail {

/// Hands what is written to two sinks that have had their declarations.
class two_sinks final : public tensor_sink {
 public:
  two_sinks(tensor_sink& first, tensor_sink& second) : first_(first), second_(second) {}

  void declare_copy(const tensor_info& tensor, const stored_tensor_data&) override { refuse(tensor.name); }
  void declare_floats(const std::string& name, const std::vector<std::uint64_t>&) override { refuse(name); }
  void declare_codes(const quantized_entry& entry) override { refuse(entry.name); }
  void declare_blocks(const std::string& name, gguf::tensor_type,
                      const std::vector<std::uint64_t>&) override {
    refuse(name);
  }
  void copy(const tensor_info& tensor, const stored_tensor_data& data) override {
    first_.copy(tensor, data);
    second_.copy(tensor, data);
  }
  void write(const std::string& name, const row_matrix& values) override { both(name, values); }
  void write(const std::string& name, const quantized_matrix& part) override { both(name, part); }
  void write(const std::string& name, const matrix_parameters& groups,
             const std::vector<float>& levels) override {
    both(name, groups, levels);
  }
  void write(const std::string& name, const stored_transform& t) override { both(name, t); }
  void write(const std::string& name, const trellis_matrix& whole) override { both(name, whole); }
  void write(const std::string& name, const gguf::block_matrix& part) override { both(name, part); }
  void commit() override {
    first_.commit();
    second_.commit();
  }

 private:
  template <class... Parts>
  void both(const std::string& name, const Parts&... parts) {
    first_.write(name, parts...);
    second_.write(name, parts...);
  }
  [[noreturn]] static void refuse(const std::string& name) {
    raise(data_error("tensor " + excerpt(name) + ": is declared after the first data was written"));
  }

  tensor_sink& first_;
  tensor_sink& second_;
};

/// The values of the first tensor of a source in their original basis, to the bit as they were when it was made.
inline row_matrix restored(const tensor_source& source, row_dimensions how_rows) {
  const stored_tensor_data data = source.stored(0);
  if (const auto* codes = std::get_if<stored_codes>(&data)) {
    const quantized_matrix q = codes->read();
    if (!codes->entry.transform) return q.dequantize<row_matrix>();
    const restored_rows basis(*codes->entry.transform, q.cols());
    return restored_part(q, 0, basis).dequantize();
  }
  if (const auto* levels = std::get_if<stored_trellis>(&data)) {
    const trellis_matrix q = levels->read();
    if (!levels->entry.transform) return q.dequantize<row_matrix>();
    const restored_rows basis(*levels->entry.transform, q.cols());
    return restored_part(q, 0, basis).dequantize();
  }
  return floats_of(source, 0, how_rows);
}

/// Hands a tensor that was finished earlier to a sink, as quantize_tensor() would.
inline tensor_report replay(const finished_tensors::kept& done, const planned_tensor& row, tensor_sink& sink,
                            const model_options& options) {
  tensor_report report = done.report;
  sink.copy(done.data->info(0), done.data->stored(0));
  if (options.restored) options.restored(row.name, 0, restored(*done.data, row.how_rows));
  if (options.reported) options.reported(report, false);
  return report;
}

/// Quantizes the tensor at a place of the plan, or takes what was finished earlier.
inline tensor_report finish_tensor(const tensor_source& source, const quantization_plan& p, std::size_t place,
                                   tensor_sink& sink, const model_options& options,
                                   const std::function<void(index_t)>& advance) {
  const planned_tensor& row = p.tensors[place];
  if (row.is_copied()) return quantize_tensor(source, row, sink, options, advance);
  if (options.finished != nullptr)
    if (const auto done = options.finished->find(p, place)) return replay(*done, row, sink, options);
  const std::unique_ptr<tensor_sink> beside =
      options.finished != nullptr ? options.finished->open(p, place) : nullptr;
  std::optional<two_sinks> both;
  if (beside) both.emplace(sink, *beside);
  tensor_report report = quantize_tensor(source, row, both ? *both : sink, options, advance);
  if (options.reported) options.reported(report, true);
  if (beside) {
    beside->commit();
    options.finished->keep(place, report);
  }
  return report;
}

}  // namespace bitgauge::detail
