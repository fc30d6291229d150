#pragma once

/// \file
/// The names that scheme texts know, and which of them a mistaken one was meant to be.

#include <bitgauge/base/closest_word.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// The ggml types that a scheme can name, in the spelling of scheme texts; gguf/scheme_type.hpp sees to it
/// that they are those of gguf::tensor_types. Some are names of grids as well.
inline constexpr std::string_view block_type_names[] = {
    "q4_0",    "q4_1",  "q5_0",    "q5_1",   "q8_0",   "q8_1",  "q2_k",  "q3_k",  "q4_k",  "q5_k",
    "q6_k",    "q8_k",  "q1_0",    "q2_0",   "tq1_0",  "tq2_0", "iq1_s", "iq1_m", "iq2_s", "iq2_xs",
    "iq2_xxs", "iq3_s", "iq3_xxs", "iq4_nl", "iq4_xs", "mxfp4", "nvfp4", "f16",   "bf16",  "f32"};

constexpr bool is_block_type_name(std::string_view name) noexcept {
  return std::find(std::begin(block_type_names), std::end(block_type_names), name) !=
         std::end(block_type_names);
}

/// `text` without blanks around it.
constexpr std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// `text` in lower case without marks: names that differ in these alone are meant alike.
inline std::string squeezed(std::string_view text) {
  std::string left;
  for (const char c : text)
    if (std::string_view("-_. /").find(c) == std::string_view::npos) left += lower_case(c);
  return left;
}

using alias = std::pair<std::string_view, std::string_view>;

/// What others call it, squeezed, and what a scheme text calls it.
inline constexpr alias name_aliases[] = {
    {"int", "symmetric"},
    {"sym", "symmetric"},
    {"absmax", "symmetric"},
    {"rtn", "symmetric:bits=4,group=128"},
    {"uint", "affine"},
    {"asym", "affine"},
    {"asymmetric", "affine"},
    {"minmax", "affine"},
    {"zeropoint", "affine"},
    {"uniform", "affine"},
    {"linear", "affine"},
    {"binary", "symmetric:bits=1"},
    {"sign", "symmetric:bits=1"},
    {"ternary", "tq2_0"},
    {"bitnet", "tq2_0"},
    {"gptq", "affine:bits=4,group=128,rounding=gptq"},
    {"awq", "affine:bits=4,group=128"},
    {"hqq", "affine:bits=4,group=64"},
    {"smoothquant", "symmetric:bits=8"},
    {"llmint8", "symmetric:bits=8"},
    {"bnb", "nf4"},
    {"bitsandbytes", "nf4"},
    {"qlora", "nf4:double=256"},
    {"nf2", "normal_float:bits=2"},
    {"nf3", "normal_float:bits=3"},
    {"nf5", "normal_float:bits=5"},
    {"nf6", "normal_float:bits=6"},
    {"bof4", "normal_float:signed=1"},
    {"any2", "lookup:bits=2"},
    {"any3", "lookup:bits=3"},
    {"any4", "lookup:bits=4"},
    {"kmeans", "lookup"},
    {"lut", "lookup"},
    {"bof4s", "normal_float:signed=1"},
    {"dynamic", "dynamic8"},
    {"fp8", "fp8_e4m3"},
    {"float8", "fp8_e4m3"},
    {"e4m3", "fp8_e4m3"},
    {"e4m3fn", "fp8_e4m3"},
    {"float8e4m3fn", "fp8_e4m3"},
    {"e5m2", "fp8_e5m2"},
    {"float8e5m2", "fp8_e5m2"},
    {"fp6", "fp6_e3m2"},
    {"float4", "fp4"},
    {"e2m1", "fp4_e2m1"},
    {"mxfp6", "mxfp6_e3m2"},
    {"mxfp8", "mxfp8_e4m3"},
    {"mx", "mxfp4"},
    {"q2", "q2_k"},
    {"q3", "q3_k"},
    {"q4", "q4_k"},
    {"q5", "q5_k"},
    {"q6", "q6_k"},
    {"q8", "q8_0"},
};
inline constexpr alias key_aliases[] = {
    {"b", "bits"},
    {"nbits", "bits"},
    {"wbits", "bits"},
    {"width", "bits"},
    {"groupsize", "group"},
    {"blocksize", "group"},
    {"block", "group"},
    {"g", "group"},
    {"granularity", "group"},
    {"axis", "group"},
    {"calibration", "range"},
    {"clip", "range"},
    {"round", "rounding"},
    {"scaletype", "scale"},
    {"scaledtype", "scale"},
    {"dtype", "scale"},
    {"actorder", "act_order"},
    {"descact", "act_order"},
    {"percdamp", "damping"},
    {"damppercent", "damping"},
    {"nested", "double"},
    {"doublequant", "double"},
    {"quality", "effort"},
    {"level", "effort"},
    {"sign", "signed"},
    {"fullrange", "full"},
};
inline constexpr alias value_aliases[] = {
    {"absmax", "minmax"},
    {"max", "minmax"},
    {"entropy", "kl"},
    {"kld", "kl"},
    {"quantile", "percentile"},
    {"l2", "mse"},
    {"mean", "mse"},
    {"search", "mse"},
    {"rtn", "nearest"},
    {"even", "nearest"},
    {"random", "stochastic"},
    {"obq", "gptq"},
    {"fp8", "e4m3"},
    {"channel", "row"},
    {"perchannel", "row"},
    {"token", "row"},
    {"perrow", "row"},
    {"pertensor", "tensor"},
    {"percolumn", "column"},
    {"all", "tensor"},
    {"true", "1"},
    {"yes", "1"},
    {"on", "1"},
    {"false", "0"},
    {"no", "0"},
    {"off", "0"},
    {"normal", "default"},
    {"high", "best"},
    {"slow", "best"},
    {"low", "fast"},
    {"quick", "fast"},
};

/// The same of floats, which name types and are values of the key scale.
inline constexpr alias float_aliases[] = {
    {"fp16", "f16"}, {"float16", "f16"}, {"half", "f16"},  {"bfloat16", "bf16"},
    {"fp32", "f32"}, {"float32", "f32"}, {"float", "f32"},
};

/// What a squeezed text means, by these aliases or those of floats; else empty.
inline std::string_view meant_by(std::span<const alias> aliases, std::string_view squeezed_text) {
  for (const std::span<const alias> known : {aliases, std::span<const alias>(float_aliases)})
    for (const auto& [other, ours] : known)
      if (other == squeezed_text) return ours;
  return {};
}

/// Of `words` the one that `text` was meant to be: but for marks and case, by another name, by a slip.
inline std::string_view meant_word(std::string_view text, std::span<const std::string_view> words,
                                   std::span<const alias> aliases) {
  const std::string bare = squeezed(text.substr(0, longest_word));
  for (const std::string_view word : words)
    if (squeezed(word) == bare) return word;
  const std::string_view known = meant_by(aliases, bare);
  if (std::find(words.begin(), words.end(), known) != words.end()) return known;
  return closest_word(text, words);
}

/// int4, u8, 4bit, w4a16: integers of so many bits. Empty for anything else.
inline std::string integers_meant(std::string_view bare) {
  const auto starts = [&](std::string_view with) { return bare.substr(0, with.size()) == with; };
  const auto digit_at = [&](std::size_t i) {
    return i < bare.size() && bare[i] >= '1' && bare[i] <= '8' ? std::string(1, bare[i]) : std::string();
  };
  for (const auto& [prefix, grid] :
       {alias{"int", "symmetric"}, alias{"uint", "affine"}, alias{"i", "symmetric"}, alias{"u", "affine"},
        alias{"s", "symmetric"}}) {
    const std::string bits = digit_at(prefix.size());
    if (starts(prefix) && bare.size() == prefix.size() + 1 && !bits.empty())
      return std::string(grid) + ":bits=" + bits;
  }
  const std::string first = digit_at(0), second = digit_at(1);
  if (!first.empty() && (bare.substr(1) == "bit" || bare.substr(1) == "bits")) return "affine:bits=" + first;
  if (starts("w") && !second.empty() && bare.size() > 3 && bare[2] == 'a')
    return second == "8" ? "symmetric:bits=8" : "affine:bits=" + second + ",group=128";
  return {};
}

/// The scheme that an unknown name was probably meant to be, or nothing. `names` are those that are known.
inline std::string scheme_meant(std::string_view name, std::span<const std::string_view> names) {
  if (name.size() > longest_word) return {};
  const std::string bare = squeezed(name), lower = lower_case(name);
  if (std::string integers = integers_meant(bare); !integers.empty()) return integers;
  // Q4_K_M and its like are mixtures of types, called after the type of most tensors
  const std::size_t last = lower.rfind('_');
  if (last != std::string::npos) {
    const std::string_view type = std::string_view(lower).substr(0, last);
    if (std::find(names.begin(), names.end(), type) != names.end()) return std::string(type);
  }
  for (const std::string_view known : names)
    if (squeezed(known) == bare) return std::string(known);
  if (const std::string_view known = meant_by(name_aliases, bare); !known.empty()) return std::string(known);
  return std::string(closest_word(name, names));
}

}  // namespace bitgauge::detail
