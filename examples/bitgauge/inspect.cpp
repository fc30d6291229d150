// bitgauge inspect: what a file holds, without reading the tensors' data.

#include <bitgauge/io.hpp>

#include "cells.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "metadata_text.hpp"
#include "report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace program {
namespace {

namespace io = bitgauge::io;

nlohmann::ordered_json as_json(const io::tensor_file& file) {
  nlohmann::ordered_json json;
  json["file"] = file.path();
  json["metadata"] = nlohmann::ordered_json::object();
  for (const io::metadata_entry& text : metadata_texts(file)) json["metadata"][text.name] = text.value;
  json["tensors"] = nlohmann::ordered_json::array();
  for (const io::stored_tensor& tensor : file.tensors())
    json["tensors"].push_back({{"name", tensor.name},
                               {"shape", tensor.shape},
                               {"format", tensor.format},
                               {"quantized", tensor.is_quantized()},
                               {"bytes", tensor.bytes},
                               {"bits_per_weight", tensor.bits_per_weight()}});
  return json;
}

std::string as_text(const io::tensor_file& file) {
  std::size_t width = 6;
  std::uint64_t bytes = 0;
  for (const io::stored_tensor& tensor : file.tensors())
    width = std::max(width, table_cell(tensor.name).size());
  std::string text;
  for (const io::metadata_entry& entry : metadata_texts(file))
    text += fmt::format("{}: {}\n", table_cell(entry.name), table_cell(entry.value, 100));
  text += fmt::format("{:<{}}  {:>20}  {:>12}  {:>11}  {}\n", "tensor", width, "shape", "bytes",
                      "bits/weight", "format");
  for (const io::stored_tensor& tensor : file.tensors()) {
    bytes += tensor.bytes;
    text += fmt::format("{:<{}}  {:>20}  {:>12}  {:>11.4f}  {}\n", table_cell(tensor.name), width,
                        table_cell(fmt::format("{}", fmt::join(tensor.shape, " x "))), tensor.bytes,
                        tensor.bits_per_weight(), table_cell(tensor.format));
  }
  return text + fmt::format("{} tensors, {} bytes\n", file.tensors().size(), bytes);
}

}  // namespace

void inspect(const inspect_options& options) {
  const io::tensor_file file(options.file);
  print(options.json ? json_text(as_json(file)) : as_text(file));
}

}  // namespace program
