// bitgauge compare: the error of every tensor that two files share, quantized or not.

#include <bitgauge/io/model/report_json.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/metrics/nonfinite_pairs.hpp>
#include <bitgauge/metrics/output_bound.hpp>
#include <bitgauge/model/tensors/locate_failures.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "report.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

std::string shown(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text.empty() ? "a single number" : bitgauge::printable(text, 100);
}

bool same_bytes(const io::stored_tensor& a, const io::stored_tensor& b) {
  return a.plain != nullptr && b.plain != nullptr && a.scales == nullptr && b.scales == nullptr &&
         a.plain->type == b.plain->type &&
         std::equal(a.plain->data.begin(), a.plain->data.end(), b.plain->data.begin(), b.plain->data.end());
}

tensor_report compare_one(const io::tensor_file& a, const io::stored_tensor& original,
                          const io::tensor_file& b, const io::stored_tensor& other) {
  // rows are counted as the quantized one of the two remembers, else as ever
  const bitgauge::row_dimensions how = other.quantized != nullptr ? other.rows : original.rows;
  tensor_report row;
  row.name = original.name;
  row.scheme = other.format;
  std::tie(row.rows, row.cols) = a.shape_of(original, how);
  row.bits_per_weight = other.bits_per_weight();
  if (!original.is_real() || !other.is_real()) {
    row.kind = same_bytes(original, other) ? report_kind::identical : report_kind::incomparable;
    row.notes.emplace_back(row.kind == report_kind::identical ? "identical bytes" : "different bytes");
    return row;
  }
  row.kind = other.is_encoded() ? report_kind::quantized : report_kind::plain;
  const auto x = bitgauge::locate_failures(a.path(), original.name, [&] { return a.matrix(original, how); });
  const auto y = bitgauge::locate_failures(b.path(), other.name, [&] { return b.matrix(other, how); });
  row.error = bitgauge::measure_error(x, y);
  if (row.kind == report_kind::quantized && !row.is_exact() &&
      bitgauge::numeric::binary64::is_finite(row.error.error_energy))
    row.bound_bits = bitgauge::output_bound(bitgauge::importance(), x).bits(row.error.error_energy);
  if (!bitgauge::numeric::binary64::is_finite(row.error.mse())) {
    bitgauge::nonfinite_pairs pairs;
    pairs.add(x.data(), y.data(), x.size());
    row.notes.push_back(pairs.note());
  }
  return row;
}

}  // namespace

void compare(const compare_options& options) {
  const io::tensor_file a(options.original), b(options.approximation);
  // two files of one matrix each need not agree on its name: an .npy file's is its own
  const bool single = a.tensors().size() == 1 && b.tensors().size() == 1;
  std::vector<tensor_report> rows;
  for (const io::stored_tensor& original : a.tensors()) {
    const io::stored_tensor* other = single ? &b.tensors().front() : b.find(original.name);
    if (other == nullptr)
      bitgauge::raise(bitgauge::data_error(b.path() + ": tensor " + bitgauge::excerpt(original.name) +
                                           ": expected as in " + a.path() + ", found none"));
    if (other->shape != original.shape)
      bitgauge::raise(bitgauge::shape_error(b.path() + ": tensor " + bitgauge::excerpt(original.name) +
                                            ": expected shape " + shown(original.shape) + ", found " +
                                            shown(other->shape)));
    rows.push_back(bitgauge::locate_failures(b.path(), original.name,
                                             [&] { return compare_one(a, original, b, *other); }));
  }
  for (const io::stored_tensor& other : b.tensors()) {
    if (single || a.find(other.name) != nullptr) continue;
    bitgauge::raise(bitgauge::data_error(a.path() + ": tensor " + bitgauge::excerpt(other.name) +
                                         ": expected as in " + b.path() + ", found none"));
  }
  print(options.json ? json_text(bitgauge::io::report_json(rows))
                     : as_table({rows, {}}, terminal_width(stdout)));
}

}  // namespace program
