#pragma once

/// \file
/// llama.cpp's number for "mostly this type", which its loaders show and do not rely on.
/// Source: `enum llama_ftype` of llama.cpp.

#include <bitgauge/gguf/tensor_type.hpp>

#include <cstdint>
#include <utility>

namespace bitgauge::io {

inline constexpr const char* gguf_file_type_key = "general.file_type";

/// 1024, llama.cpp's "guessed, not specified in the model file", for a type without a number of its own.
constexpr std::uint32_t gguf_file_type(gguf::tensor_type type) noexcept {
  using gguf::tensor_type;
  constexpr std::pair<tensor_type, std::uint32_t> numbers[] = {
      {tensor_type::f32, 0},      {tensor_type::f16, 1},     {tensor_type::q4_0, 2},
      {tensor_type::q4_1, 3},     {tensor_type::q8_0, 7},    {tensor_type::q5_0, 8},
      {tensor_type::q5_1, 9},     {tensor_type::q2_k, 10},   {tensor_type::q3_k, 11},
      {tensor_type::q4_k, 14},    {tensor_type::q5_k, 16},   {tensor_type::q6_k, 18},
      {tensor_type::iq2_xxs, 19}, {tensor_type::iq2_xs, 20}, {tensor_type::iq3_xxs, 23},
      {tensor_type::iq1_s, 24},   {tensor_type::iq4_nl, 25}, {tensor_type::iq3_s, 26},
      {tensor_type::iq2_s, 28},   {tensor_type::iq4_xs, 30}, {tensor_type::iq1_m, 31},
      {tensor_type::bf16, 32},    {tensor_type::tq1_0, 36},  {tensor_type::tq2_0, 37},
      {tensor_type::mxfp4, 38}};
  for (const auto& [known, number] : numbers)
    if (known == type) return number;
  return 1024;
}

}  // namespace bitgauge::io
