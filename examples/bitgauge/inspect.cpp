// bitgauge inspect: what a file holds, without reading the tensors' data.

#include <bitgauge/io.hpp>

#include "commands.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace program {
namespace {

namespace io = bitgauge::io;

double bits_per_element(const io::stored_tensor& tensor) {
  double size = 1;
  for (const std::uint64_t extent : tensor.shape) size *= static_cast<double>(extent);
  return size > 0 ? 8.0 * static_cast<double>(tensor.bytes) / size : 0;
}

nlohmann::ordered_json as_json(const io::tensor_file& file) {
  nlohmann::ordered_json json;
  json["file"] = file.path();
  json["metadata"] = nlohmann::ordered_json::object();
  for (const io::metadata_entry& text : file.metadata()) json["metadata"][text.name] = text.value;
  json["tensors"] = nlohmann::ordered_json::array();
  for (const io::stored_tensor& tensor : file.tensors())
    json["tensors"].push_back({{"name", tensor.name},
                               {"shape", tensor.shape},
                               {"format", tensor.format},
                               {"quantized", tensor.quantized != nullptr},
                               {"bytes", tensor.bytes},
                               {"bits_per_weight", bits_per_element(tensor)}});
  return json;
}

std::string as_text(const io::tensor_file& file) {
  std::size_t width = 6;
  std::uint64_t bytes = 0;
  for (const io::stored_tensor& tensor : file.tensors()) width = std::max(width, tensor.name.size());
  std::string text;
  for (const io::metadata_entry& entry : file.metadata())
    text += fmt::format("{}: {}\n", entry.name, entry.value);
  text += fmt::format("{:<{}}  {:>20}  {:>12}  {:>11}  {}\n", "tensor", width, "shape", "bytes",
                      "bits/weight", "format");
  for (const io::stored_tensor& tensor : file.tensors()) {
    bytes += tensor.bytes;
    text += fmt::format("{:<{}}  {:>20}  {:>12}  {:>11.4f}  {}\n", tensor.name, width,
                        fmt::format("{}", fmt::join(tensor.shape, " x ")), tensor.bytes,
                        bits_per_element(tensor), tensor.format);
  }
  return text + fmt::format("{} tensors, {} bytes\n", file.tensors().size(), bytes);
}

}  // namespace

void inspect(const inspect_options& options) {
  const io::tensor_file file(options.file);
  fmt::print("{}", options.json ? as_json(file).dump(2) + "\n" : as_text(file));
}

}  // namespace program
