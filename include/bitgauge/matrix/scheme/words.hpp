#pragma once

/// \file
/// The words of scheme texts and reports.

#include <bitgauge/effort.hpp>
#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/stored_levels.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/scale/type.hpp>

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace bitgauge::detail {

/// The words that stand for the values of an enumeration, in scheme texts and reports.
template <class Value>
using words = std::span<const std::pair<std::string_view, Value>>;

inline constexpr std::pair<std::string_view, granularity> granularity_words[] = {
    {"row", per_row{}}, {"column", per_column{}}, {"tensor", per_tensor{}}};
inline constexpr std::pair<std::string_view, range_kind> range_words[] = {
    {"minmax", range_kind::minmax},
    {"percentile", range_kind::percentile},
    {"mse", range_kind::mse},
    {"kl", range_kind::kl}};
inline constexpr std::pair<std::string_view, rounding_kind> rounding_words[] = {
    {"nearest", rounding_kind::nearest},
    {"stochastic", rounding_kind::stochastic},
    {"gptq", rounding_kind::gptq}};
inline constexpr std::pair<std::string_view, scale_storage> scale_words[] = {
    {"f32", f32_scales},   {"f16", f16_scales},   {"bf16", bf16_scales},
    {"e8m0", e8m0_scales}, {"e4m3", e4m3_scales}, {"e4m3_divided", e4m3_divided_scales}};
inline constexpr std::pair<std::string_view, effort> effort_words[] = {{"reference", effort::reference},
                                                                       {"fast", effort::fast},
                                                                       {"default", effort::normal},
                                                                       {"best", effort::best}};
inline constexpr std::pair<std::string_view, level_type> level_words[] = {
    {"f32", level_type::f32}, {"f16", level_type::f16}, {"int8", level_type::int8}};
inline constexpr std::pair<std::string_view, bool> flag_words[] = {{"0", false}, {"1", true}};

template <class Value>
std::string listed(words<Value> all) {
  std::string text;
  for (const auto& [word, value] : all) text += (text.empty() ? "" : "|") + std::string(word);
  return text;
}

template <class Value>
std::string_view word_of(words<Value> all, const Value& value) {
  for (const auto& [word, meaning] : all)
    if (meaning == value) return word;
  return {};
}

template <class Value>
bool read_word(words<Value> all, std::string_view text, Value& to) {
  for (const auto& [word, value] : all) {
    if (word != text) continue;
    to = value;
    return true;
  }
  return false;
}

}  // namespace bitgauge::detail
