#pragma once

/// \file
/// How hard the `best` encoder of Q2_K, Q4_K and Q5_K searches each of them.

#include <bitgauge/gguf/format/formats.hpp>

namespace bitgauge::gguf::best {

/// Formats with stored sub-scales and sub-offsets.
template <class Format>
concept super_offset = Format::has_offset && requires { Format::offset::code_count; };

/// How far super_offset_search goes: the least at which nothing more is gained but by much time.
template <class Format>
struct super_offset_effort {
  static constexpr int scales = 3, depths = 1;  ///< super-scales tried at first, of either sign
  static constexpr int refined = 1;             ///< how many of them are refitted
  static constexpr int variations = 0;          ///< tried around the best
  static constexpr float widest = 0.15f;  ///< how far a sub-scale may exceed the one fitted alone, as a share
  static constexpr float cut = 0.3f;      ///< the share of the error that one cut off element may cost
};
template <>
struct super_offset_effort<q5_k> {
  static constexpr int scales = 2, depths = 2, refined = 1, variations = 4;
  static constexpr float widest = 0.15f, cut = 0.1f;
};
template <>
struct super_offset_effort<q2_k> {
  static constexpr int scales = 2, depths = 3, refined = 1, variations = 0;
  static constexpr float widest = 0.05f, cut = 0.6f;
};

}  // namespace bitgauge::gguf::best
