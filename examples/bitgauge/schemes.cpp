// bitgauge schemes: what --scheme takes, with its cost.

#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/io/gguf/tensor.hpp>
#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/scheme/keys.hpp>
#include <bitgauge/matrix/scheme/named_grids.hpp>
#include <bitgauge/matrix/scheme/presets.hpp>
#include <bitgauge/matrix/scheme/text.hpp>
#include <bitgauge/matrix/scheme/words.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "report.hpp"
#include "table.hpp"
#include "terminal.hpp"

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace program {
namespace {

/// A name that stands for a scheme.
struct listed_name {
  std::string name;
  double bits_per_weight = 0;
  std::string meaning;
};

std::string group_text(const bitgauge::granularity& how) {
  using kind = bitgauge::granularity::kind;
  return how.what == kind::group    ? fmt::format("groups of {}", how.size)
         : how.what == kind::column ? "one group a column"
         : how.what == kind::tensor ? "one group"
                                    : "one group a row";
}

/// Grids, which become codes and scales in a .safetensors.
std::vector<listed_name> grids() {
  std::vector<listed_name> all;
  for (const bitgauge::detail::named_grid& grid : bitgauge::detail::named_grids()) {
    const bitgauge::scheme s = bitgauge::named_scheme(std::string(grid.name).c_str());
    const std::string_view scale = bitgauge::detail::word_of(
        bitgauge::detail::words<bitgauge::scale_storage>(bitgauge::detail::scale_words), s.scales);
    all.push_back({std::string(grid.name), bitgauge::estimate_memory(1, s).bits_per_weight,
                   fmt::format("{}, scales {}", group_text(s.groups), scale)});
  }
  return all;
}

/// ggml's types, which become blocks in a .gguf.
std::vector<listed_name> types(bool blocks) {
  std::vector<listed_name> all;
  for (const auto& type : bitgauge::gguf::tensor_types) {
    const auto plain = bitgauge::io::plain_dtype(type.type);
    const bool is_float = plain && bitgauge::io::is_floating(*plain) && *plain != bitgauge::io::dtype::f64;
    if (blocks ? type.is_quantized() : is_float)
      all.push_back({std::string(type.name), type.bits_per_weight(),
                     blocks ? fmt::format("blocks of {} in {} bytes", type.elements, type.bytes)
                            : std::string("plain numbers")});
  }
  return all;
}

constexpr std::pair<std::string_view, std::string_view> activation_modes[] = {
    {"dynamic[:SCHEME]", "a scale for every row of inputs, found when they come"},
    {"static[:SCHEME]", "one scale, frozen from --calibration"}};

constexpr std::pair<std::string_view, std::string_view> transforms[] = {
    {"smooth[:alpha=A|auto]", "SmoothQuant: outliers of inputs go over to the weights; needs --calibration"},
    {"awq", "AWQ: columns that matter become larger; needs --calibration"},
    {"rotate[:seed=S,block=N]", "a randomised Hadamard rotation spreads outliers over all columns"},
    {"equalize", "matrices that follow each other get equal ranges"}};

constexpr std::pair<std::string_view, std::string_view> trellises[] = {
    {"trellis:bits=B[,states=N]",
     "any number of bits from 0.1 to 8, all that is stored counted; 1, 4, 8 (the default) to 256 states"},
    {"trellis:bits=B,rounding=gptq",
     "errors are fed back, and columns that matter get more bits; needs --calibration"}};

nlohmann::ordered_json json_of(const std::vector<listed_name>& names) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const listed_name& entry : names)
    json.push_back(
        {{"name", entry.name}, {"bits_per_weight", entry.bits_per_weight}, {"meaning", entry.meaning}});
  return json;
}

nlohmann::ordered_json as_json() {
  nlohmann::ordered_json json{{"grids", json_of(grids())},
                              {"blocks", json_of(types(true))},
                              {"floats", json_of(types(false))},
                              {"trellises", nlohmann::ordered_json::array()},
                              {"keys", nlohmann::ordered_json::array()},
                              {"activations", nlohmann::ordered_json::array()},
                              {"transforms", nlohmann::ordered_json::array()}};
  for (const bitgauge::detail::scheme_key& key : bitgauge::detail::scheme_keys())
    json["keys"].push_back({{"name", key.name}, {"values", key.allowed()}});
  for (const auto& [form, meaning] : trellises)
    json["trellises"].push_back({{"form", form}, {"meaning", meaning}});
  for (const auto& [mode, meaning] : activation_modes)
    json["activations"].push_back({{"mode", mode}, {"meaning", meaning}});
  for (const auto& [transform, meaning] : transforms)
    json["transforms"].push_back({{"transform", transform}, {"meaning", meaning}});
  return json;
}

std::string lines_of(const char* heading, const std::vector<listed_name>& names, std::size_t width) {
  table_column name{heading, true, 10}, bits{"bits/weight", false, 9}, meaning{"", true, 1};
  for (const listed_name& entry : names) {
    name.cells.push_back(entry.name);
    bits.cells.push_back(fmt::format("{:.4f}", entry.bits_per_weight));
    meaning.cells.push_back(entry.meaning);
  }
  meaning.may_go_below = true;
  return as_lines({name, bits, meaning}, width) + "\n";
}

std::string lines_of(const char* heading,
                     std::span<const std::pair<std::string_view, std::string_view>> meanings,
                     std::size_t width) {
  table_column name{heading, true, 10}, meaning{"", true, 9};
  for (const auto& [text, words] : meanings) {
    name.cells.emplace_back(text);
    meaning.cells.emplace_back(words);
  }
  meaning.may_go_below = true;
  return as_lines({name, meaning}, width) + "\n";
}

std::string as_text(std::size_t width) {
  std::string text = "--scheme NAME[:KEY=VALUE,...]\n\n";
  text += lines_of("codes and scales, in a .safetensors", grids(), width);
  text += lines_of("entropy-coded levels, in a .safetensors", trellises, width);
  text += lines_of("blocks, in a .gguf", types(true), width);
  text += lines_of("floats, in a .gguf", types(false), width);
  table_column key{"key", true, 10}, values{"values", true, 9};
  for (const bitgauge::detail::scheme_key& each : bitgauge::detail::scheme_keys()) {
    key.cells.emplace_back(each.name);
    values.cells.push_back(each.allowed());
  }
  values.may_go_below = true;
  text += as_lines({key, values}, width) + "\n";
  text += lines_of("--activations", activation_modes, width) + lines_of("--transform", transforms, width);
  const std::string closing =
      "Bits per weight are those of rows of 4096. Blocks take effort, and rounding=gptq with its keys; the "
      "rest is the type's own.";
  for (const std::string& line : wrapped(closing, width > 0 ? width : closing.size())) text += line + "\n";
  return text;
}

}  // namespace

void schemes(const schemes_options& options) {
  print(options.json ? json_text(as_json()) : as_text(terminal_width(stdout)));
}

}  // namespace program
