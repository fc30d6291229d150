#pragma once

/// \file
/// Which tensors a decision is for, by their names.

#include <bitgauge/base/name_pattern.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/tensors/matrix_shape.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

namespace bitgauge {

/// True where a tensor of the source has a name that matches.
inline bool matches_any(const name_pattern& pattern, const tensor_source& source) {
  for (std::size_t i = 0; i < source.tensor_count(); ++i)
    if (pattern.matches(source.info(i).name)) return true;
  return false;
}

/// Raises data_error, naming what there is, where no tensor of the source matches: a mistyped name would
/// change nothing in silence.
inline void require_match(const name_pattern& pattern, const tensor_source& source) {
  if (matches_any(pattern, source)) return;
  std::string known;
  constexpr std::size_t shown = 3;
  const std::size_t count = source.tensor_count();
  for (std::size_t i = 0; i < std::min(shown, count); ++i)
    known += (i > 0 ? ", " : ": ") + excerpt(source.info(i).name);
  raise(data_error(source.source_name() + ": " + pattern.shown() +
                   ": expected a tensor of this name, found " + std::to_string(count) + " others" + known +
                   (count > shown ? ", ..." : "")));
}

/// What becomes of the tensors that match; of several rules the first counts.
///
///     const std::vector<rule> rules{{"*.norm*", tensor_format::copy()},
///                                   {"output.*", parse_format("q6_k")},
///                                   {"*", parse_format("q4_k")}};
struct rule {
  name_pattern names;
  tensor_format to;
  std::string why{};        ///< said of each tensor that it decides; empty: names.shown()
  bool must_match = false;  ///< where it matches no tensor: data_error, else a remark of the plan
  bool is_remarked = true;  ///< false: no remark either
};

/// How the rows of the tensors that match are counted, where a tensor has three dimensions or more. Each must
/// match a tensor.
struct row_rule {
  name_pattern names;
  row_dimensions rows;
};

}  // namespace bitgauge
