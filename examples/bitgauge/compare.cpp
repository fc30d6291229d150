// bitgauge compare: the error of every tensor that two files share, quantized or not.

#include <bitgauge/io.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "failure.hpp"
#include "nonfinite_note.hpp"
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
  return text.empty() ? "a single number" : text;
}

/// How rows are counted: as the quantized one of the two remembers, else as ever.
io::row_dimensions rows_of(const io::tensor_file& a, const io::stored_tensor& original,
                           const io::tensor_file& b, const io::stored_tensor& other) {
  return other.quantized != nullptr ? b.rows_of(other) : a.rows_of(original);
}

bool same_bytes(const io::stored_tensor& a, const io::stored_tensor& b) {
  return a.plain != nullptr && b.plain != nullptr && a.scales == nullptr && b.scales == nullptr &&
         a.plain->type == b.plain->type &&
         std::equal(a.plain->data.begin(), a.plain->data.end(), b.plain->data.begin(), b.plain->data.end());
}

report_row compare_one(const io::tensor_file& a, const io::stored_tensor& original, const io::tensor_file& b,
                       const io::stored_tensor& other) {
  const io::row_dimensions how = rows_of(a, original, b, other);
  report_row row;
  row.name = original.name;
  row.scheme = other.format;
  std::tie(row.rows, row.cols) = a.shape_of(original, how);
  row.bits_per_weight = other.bits_per_weight();
  if (!original.is_real() || !other.is_real()) {
    row.kind = same_bytes(original, other) ? row_kind::identical : row_kind::incomparable;
    row.notes.emplace_back(row.kind == row_kind::identical ? "identical bytes" : "different bytes");
    return row;
  }
  row.kind = other.is_encoded() ? row_kind::quantized : row_kind::plain;
  const auto x = naming(a.path(), original.name, [&] { return a.matrix(original, how); });
  const auto y = naming(b.path(), other.name, [&] { return b.matrix(other, how); });
  row.error = bitgauge::measure_error(x, y);
  if (!bitgauge::numeric::binary64::is_finite(row.error.mse())) {
    nonfinite_pairs hidden;
    hidden.add(x, y);
    row.notes.push_back(hidden.text());
  }
  return row;
}

}  // namespace

void compare(const compare_options& options) {
  const io::tensor_file a(options.original), b(options.approximation);
  // two files of one matrix each need not agree on its name: an .npy file's is its own
  const bool single = a.tensors().size() == 1 && b.tensors().size() == 1;
  std::vector<report_row> rows;
  for (const io::stored_tensor& original : a.tensors()) {
    const io::stored_tensor* other = single ? &b.tensors().front() : b.find(original.name);
    if (other == nullptr)
      bitgauge::raise(bitgauge::data_error(b.path() + ": tensor " + original.name + ": expected as in " +
                                           a.path() + ", found none"));
    if (other->shape != original.shape)
      bitgauge::raise(bitgauge::shape_error(b.path() + ": tensor " + original.name + ": expected shape " +
                                            shown(original.shape) + ", found " + shown(other->shape)));
    rows.push_back(naming(b.path(), original.name, [&] { return compare_one(a, original, b, *other); }));
  }
  for (const io::stored_tensor& other : b.tensors()) {
    if (single || a.find(other.name) != nullptr) continue;
    bitgauge::raise(bitgauge::data_error(a.path() + ": tensor " + other.name + ": expected as in " +
                                         b.path() + ", found none"));
  }
  print(options.json ? json_text(as_json(rows)) : as_table({rows, {}}, terminal_width(stdout)));
}

}  // namespace program
