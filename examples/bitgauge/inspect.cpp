// bitgauge inspect: what a file holds, without reading the tensors' data.

#include <bitgauge/io.hpp>

#include "cells.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "metadata_text.hpp"
#include "report.hpp"
#include "table.hpp"
#include "terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

nlohmann::ordered_json as_json(const bitgauge::stored_activations& activations) {
  nlohmann::ordered_json json{{"scheme", to_text(activations.scheme)}};
  if (activations.scheme.is_static) {
    json["scale"] = activations.frozen.scale;
    json["zero_point"] = activations.frozen.zero_point;
  }
  return json;
}

nlohmann::ordered_json as_json(const io::tensor_file& file) {
  nlohmann::ordered_json json;
  json["file"] = file.path();
  json["metadata"] = nlohmann::ordered_json::object();
  for (const io::metadata_entry& text : metadata_texts(file)) json["metadata"][text.name] = text.value;
  json["tensors"] = nlohmann::ordered_json::array();
  for (const io::stored_tensor& tensor : file.tensors()) {
    const auto [rows, cols] = file.shape_of(tensor);
    nlohmann::ordered_json entry{{"name", tensor.name},
                                 {"shape", tensor.shape},
                                 {"rows", rows},
                                 {"cols", cols},
                                 {"format", tensor.format},
                                 {"quantized", tensor.is_encoded()},
                                 {"bytes", tensor.bytes},
                                 {"bits_per_weight", tensor.bits_per_weight()}};
    if (tensor.quantized != nullptr && tensor.quantized->activations)
      entry["activations"] = as_json(*tensor.quantized->activations);
    if (tensor.quantized != nullptr && tensor.quantized->transform)
      entry["transform"] = to_text(tensor.quantized->transform->scheme);
    json["tensors"].push_back(std::move(entry));
  }
  return json;
}

/// How the inputs of a layer are to be quantized, where its tensor says so.
std::string activations_text(const io::stored_tensor& tensor) {
  if (tensor.quantized == nullptr || !tensor.quantized->activations) return "";
  const bitgauge::stored_activations& how = *tensor.quantized->activations;
  return to_text(how.scheme) + (how.scheme.is_static ? fmt::format(" (scale {:.4g}, zero point {})",
                                                                   how.frozen.scale, how.frozen.zero_point)
                                                     : "");
}

/// What the weights were rewritten by, where their tensor says so.
std::string transform_text(const io::stored_tensor& tensor) {
  if (tensor.quantized == nullptr || !tensor.quantized->transform) return "";
  return to_text(tensor.quantized->transform->scheme);
}

std::string as_text(const io::tensor_file& file, std::size_t width) {
  std::string text;
  for (const io::metadata_entry& entry : metadata_texts(file)) {
    const std::string line = table_cell(entry.name) + ": " + table_cell(entry.value, 100);
    text += (width > 0 ? shortened(line, width) : line) + "\n";
  }
  std::vector<table_column> columns{{"tensor", true, 10},
                                    {"shape", false, 3},
                                    {"bytes", false, 2},
                                    {"bits/weight", false, 4},
                                    {"format", true, 9}};
  std::vector<std::string> activations, transforms;
  std::uint64_t bytes = 0;
  for (const io::stored_tensor& tensor : file.tensors()) {
    const std::string cells[] = {table_cell(tensor.name),
                                 table_cell(fmt::format("{}", fmt::join(tensor.shape, " x "))),
                                 std::to_string(tensor.bytes),
                                 fmt::format("{:.4f}", tensor.bits_per_weight()), table_cell(tensor.format)};
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].cells.push_back(cells[i]);
    activations.push_back(activations_text(tensor));
    transforms.push_back(transform_text(tensor));
    bytes += tensor.bytes;
  }
  const auto add = [&](const char* title, std::vector<std::string>& cells) {
    if (std::any_of(cells.begin(), cells.end(), [](const auto& cell) { return !cell.empty(); }))
      columns.push_back({title, true, 0, std::move(cells), true});
  };
  add("activations", activations);
  add("transform", transforms);
  return text + as_lines(std::move(columns), width) +
         fmt::format("{} tensors, {} bytes\n", file.tensors().size(), bytes);
}

}  // namespace

void inspect(const inspect_options& options) {
  const io::tensor_file file(options.file);
  print(options.json ? json_text(as_json(file)) : as_text(file, terminal_width(stdout)));
}

}  // namespace program
