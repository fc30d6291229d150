// bitgauge quantize: each matrix of a file is read, quantized, measured and written before the next is
// touched.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "name_filter.hpp"
#include "progress.hpp"
#include "report.hpp"

#include <fmt/core.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

/// What is to become of one tensor.
struct plan_row {
  const io::stored_tensor* tensor;
  std::optional<std::string> copied{};  ///< why it is copied, where it is
  io::quantized_entry entry{};          ///< how it is stored, where it is not
};

std::optional<std::string> reason_to_copy(const io::stored_tensor& tensor, const name_filter& filter) {
  if (tensor.quantized != nullptr) return "already quantized";
  if (!tensor.is_real()) return tensor.format + " elements";
  if (tensor.shape.size() < 2) return std::to_string(tensor.shape.size()) + "-D";
  return filter.reason_to_skip(tensor.name);
}

std::vector<plan_row> make_plan(const io::tensor_file& file, const bitgauge::scheme& scheme,
                                const name_filter& filter) {
  std::vector<plan_row> plan;
  for (const io::stored_tensor& tensor : file.tensors()) {
    plan_row row{&tensor, reason_to_copy(tensor, filter)};
    if (tensor.quantized != nullptr) row.entry = *tensor.quantized;
    if (!row.copied) {
      const auto [rows, cols] = io::matrix_shape(file.path() + ": tensor " + tensor.name, tensor.shape);
      row.entry = {
          tensor.name, tensor.shape, tensor.plain->type, to_text(scheme), layout_of(scheme, rows, cols),
          false};
      row.entry.has_levels = !row.entry.layout.meaning.levels.empty();
    }
    plan.push_back(std::move(row));
  }
  return plan;
}

/// The importance of one tensor's columns: the only array of an .npy file, or the tensor of the same name.
bitgauge::importance importance_of(const std::optional<io::tensor_file>& weights, const std::string& name) {
  if (!weights) return {};
  const bool single = weights->path().ends_with(".npy");
  const io::stored_tensor* found = single ? &weights->tensors().front() : weights->find(name);
  if (found == nullptr)
    bitgauge::raise(bitgauge::data_error("no importance of this name in " + weights->path()));
  return bitgauge::importance(weights->matrix(*found).reshaped());
}

/// A copied tensor's row: nothing is lost.
report_row copied_row(const io::tensor_file& file, const plan_row& row) {
  report_row result;
  result.name = row.tensor->name;
  result.scheme = row.tensor->format;
  std::tie(result.rows, result.cols) =
      io::matrix_shape(file.path() + ": tensor " + result.name, row.tensor->shape);
  const auto size = static_cast<double>(result.rows) * static_cast<double>(result.cols);
  result.bits_per_weight = size > 0 ? 8.0 * static_cast<double>(row.tensor->bytes) / size : 0;
  result.notes.push_back("copied: " + *row.copied);
  return result;
}

class quantization {
 public:
  explicit quantization(const quantize_options& options)
      : options_(options), scheme_(bitgauge::parse_scheme(options.scheme)), file_(options.input) {
    if (!options.importance.empty()) importance_.emplace(options.importance);
  }

  std::vector<report_row> run() {
    const std::vector<plan_row> plan = make_plan(file_, scheme_, {options_.include, options_.exclude});
    io::safetensors_writer writer(options_.output);
    declare(plan, writer);
    std::uint64_t total = 0;
    for (const plan_row& row : plan) total += row.tensor->bytes;
    progress bar(total);
    std::vector<report_row> rows;
    for (const plan_row& row : plan) {
      bar.advance(0, row.tensor->name);
      rows.push_back(naming(file_.path(), row.tensor->name,
                            [&] { return row.copied ? copy(row, writer) : quantize_one(row, writer); }));
      bar.advance(row.tensor->bytes, row.tensor->name);
    }
    writer.commit();
    return rows;
  }

 private:
  void declare(const std::vector<plan_row>& plan, io::safetensors_writer& writer) {
    for (const io::metadata_entry& text : file_.metadata()) writer.set_metadata(text.name, text.value);
    for (const plan_row& row : plan) {
      if (row.tensor->plain != nullptr && row.copied) {
        writer.declare(row.tensor->name, row.tensor->plain->type, row.tensor->shape);
      } else {
        parts_.declare(writer, row.entry);
      }
    }
    parts_.describe(writer);
  }

  report_row copy(const plan_row& row, io::safetensors_writer& writer) const {
    if (row.tensor->quantized != nullptr) {
      parts_.write(writer, row.tensor->name, file_.quantized(*row.tensor));
    } else {
      writer.write(row.tensor->name, row.tensor->plain->data);
    }
    return copied_row(file_, row);
  }

  report_row quantize_one(const plan_row& row, io::safetensors_writer& writer) const {
    const auto start = std::chrono::steady_clock::now();
    const io::tensor_file::float_matrix values = file_.matrix(*row.tensor);
    const bitgauge::quantized_matrix q =
        bitgauge::quantize(values, scheme_, importance_of(importance_, row.tensor->name),
                           bitgauge::options{options_.threads, options_.on_nonfinite});
    report_row result;
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    parts_.write(writer, row.tensor->name, q);
    result.name = row.tensor->name;
    result.scheme = row.entry.scheme;
    result.rows = q.rows();
    result.cols = q.cols();
    result.bits_per_weight = q.bits_per_weight();
    result.error = measure_error(values, q, options_.threads);
    if (row.tensor->shape.size() > 2)
      result.notes.push_back(fmt::format("{}-D, as {} x {}", row.tensor->shape.size(), q.rows(), q.cols()));
    return result;
  }

  const quantize_options& options_;
  bitgauge::scheme scheme_;
  io::tensor_file file_;
  std::optional<io::tensor_file> importance_;
  io::quantized_writer parts_;
};

}  // namespace

void quantize(const quantize_options& options) {
  if (!options.report.empty()) check_report_ending(options.report);
  if (!options.output.ends_with(".safetensors"))
    bitgauge::raise(bitgauge::io_error(
        options.output + ": expected an output ending in .safetensors for scheme " + options.scheme));
  const std::vector<report_row> rows = quantization(options).run();
  if (!options.report.empty()) write_report(rows, options.report);
  fmt::print("{}", as_table(rows));
}

}  // namespace program
