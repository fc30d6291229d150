// bitgauge compare: the error of every tensor that two files share, quantized or not.

#include <bitgauge/io.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "failure.hpp"
#include "report.hpp"

#include <string>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

std::string shown(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text.empty() ? "a single number" : bitgauge::printable(text, 100);
}

report_row compare_one(const io::tensor_file& a, const io::stored_tensor& original, const io::tensor_file& b,
                       const io::stored_tensor& other) {
  report_row row;
  row.name = original.name;
  row.scheme = other.format;
  std::tie(row.rows, row.cols) = a.shape_of(original);
  row.bits_per_weight = other.bits_per_weight();
  if (!original.is_real() || !other.is_real()) {
    const bool same = original.plain != nullptr && other.plain != nullptr &&
                      original.plain->type == other.plain->type &&
                      std::equal(original.plain->data.begin(), original.plain->data.end(),
                                 other.plain->data.begin(), other.plain->data.end());
    row.notes.push_back(same ? "identical bytes" : "different bytes");
    return row;
  }
  row.error = bitgauge::measure_error(a.matrix(original), b.matrix(other));
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
      bitgauge::raise(bitgauge::data_error(b.path() + ": tensor " + bitgauge::excerpt(original.name) +
                                           ": expected as in " + a.path() + ", found none"));
    if (other->shape != original.shape)
      bitgauge::raise(bitgauge::shape_error(b.path() + ": tensor " + bitgauge::excerpt(original.name) +
                                            ": expected shape " + shown(original.shape) + ", found " +
                                            shown(other->shape)));
    rows.push_back(naming(b.path(), original.name, [&] { return compare_one(a, original, b, *other); }));
  }
  for (const io::stored_tensor& other : b.tensors()) {
    if (single || a.find(other.name) != nullptr) continue;
    bitgauge::raise(bitgauge::data_error(a.path() + ": tensor " + bitgauge::excerpt(other.name) +
                                         ": expected as in " + b.path() + ", found none"));
  }
  print(options.json ? json_text(as_json(rows)) : as_table(rows));
}

}  // namespace program
