#pragma once

/// \file
/// How activations become 8-bit codes, as data and as text: see make_activation_quantizer() for what does it.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/scheme/presets.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/matrix/scheme/suggestions.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

#include <string>
#include <string_view>

namespace bitgauge {

/// What `scheme` is for weights, for activations: dynamic or static, and the answers about grid, granularity
/// and range. As text MODE[:SCHEME]:
///
///     dynamic                              affine, a scale a token (row) from its own extent
///     dynamic:symmetric:group=tensor       one symmetric scale for the batch at hand
///     static                               affine, one frozen scale, from the extent of what was observed
///     static:affine:range=percentile,percentile=99.99      or range=mse, range=kl
struct activation_scheme {
  bool is_static = false;
  scheme answers{};

  friend constexpr bool operator==(const activation_scheme&, const activation_scheme&) = default;
};

/// Reads MODE[:SCHEME]. Throws invalid_scheme, with what is allowed, for another mode, for a grid that is no
/// integer grid of 8 bits, and for answers that the mode has no use for: a static scale is per tensor, a
/// dynamic one comes from the extent.
inline activation_scheme parse_activation_scheme(std::string_view text) {
  const auto fail = [&](const std::string& what) {
    raise(invalid_scheme("activations \"" + std::string(text) + "\": " + what));
  };
  activation_scheme result;
  const std::size_t colon = text.find(':');
  const std::string_view mode = detail::trimmed(text.substr(0, colon));
  constexpr std::string_view modes[] = {"dynamic", "static"};
  if (mode != modes[0] && mode != modes[1])
    fail("expected dynamic[:SCHEME] or static[:SCHEME]" +
         detail::did_you_mean(detail::closest_word(mode, modes)));
  result.is_static = mode == "static";
  if (colon != std::string_view::npos) result.answers = parse_scheme(text.substr(colon + 1));
  scheme& answers = result.answers;
  if (result.is_static) {
    if (answers.groups != named_scheme(answers.grid).groups && answers.groups != granularity(per_tensor{}))
      fail("a static scale is per tensor: expected group=tensor or no group");
    answers.groups = per_tensor{};
  }
  if (!result.is_static && answers.range != range_kind::minmax)
    fail("a dynamic scale comes from the extent: expected range=minmax or no range");
  if (answers.groups.what == granularity::kind::group) fail("expected group=row or group=tensor");
  if (answers.rounding != rounding_kind::nearest || answers.scales != f32_scales || answers.double_block > 0)
    fail("expected rounding to nearest and f32 scales");
  const std::string_view grid = answers.grid.view();
  if ((grid != "affine" && grid != "symmetric") || answers.bits != 8)
    fail("expected affine or symmetric with 8 bits, found \"" + to_text(answers) + "\"");
  return result;
}

/// The text of an activation scheme; parse_activation_scheme(to_text(s)) == s.
inline std::string to_text(const activation_scheme& s) {
  scheme answers = s.answers;
  if (s.is_static) answers.groups = named_scheme(answers.grid).groups;  // per tensor follows from the mode
  return (s.is_static ? "static:" : "dynamic:") + to_text(answers);
}

}  // namespace bitgauge
