#pragma once

/// \file
/// One line about a quantized matrix.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/scheme/words.hpp>
#include <bitgauge/scale/type.hpp>

#include <ostream>
#include <string>
#include <string_view>

namespace bitgauge {
namespace detail {

inline std::string summary_of(const quantized_matrix& q) {
  const code_encoding& m = q.encoding();
  const granularity groups = q.groups().granularity();
  std::string text = "quantized_matrix " + std::to_string(q.rows()) + " x " + std::to_string(q.cols()) + ": ";
  text += m.levels_by_row     ? std::to_string(1 << m.bits) + " levels a row"
          : !m.levels.empty() ? std::to_string(m.levels.size()) + " levels"
          : m.is_sign_only    ? "signs"
          : m.has_zero_points ? "affine"
                              : "symmetric";
  text += ", " + std::to_string(m.bits) + (m.bits == 1 ? " bit, " : " bits, ");
  text += groups.what == granularity::kind::group
              ? "groups of " + std::to_string(groups.size)
              : "one group a " + std::string(word_of(words<granularity>(granularity_words), groups));
  const scale_storage& scales = q.scales().storage();
  const std::string_view word = word_of(words<scale_storage>(scale_words), scales);
  text += ", scales " +
          (word.empty() ? "quantized in blocks of " + std::to_string(scales.block) : std::string(word));
  return text + ", " + shortest_text(static_cast<float>(q.bits_per_weight())) + " bits per weight";
}

}  // namespace detail

/// Prints one line without its end: "quantized_matrix 512 x 512: affine, 4 bits, groups of 128, scales f32,
/// 4.28125 bits per weight".
inline std::ostream& operator<<(std::ostream& out, const quantized_matrix& q) {
  return out << detail::summary_of(q);
}

}  // namespace bitgauge
