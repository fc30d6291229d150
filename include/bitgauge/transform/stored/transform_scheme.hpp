#pragma once

/// \file
/// Which transform, as data and as text: smooth:alpha=0.5.

#include <bitgauge/base/closest_word.hpp>
#include <bitgauge/base/config.hpp>
#include <bitgauge/base/number_text.hpp>
#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bitgauge {

/// What is done to a matrix before it is quantized, as text NAME[:KEY=VALUE,...]:
///
///     smooth                    SmoothQuant with alpha = 0.5
///     smooth:alpha=0.75         alpha from 0 to 1
///     smooth:alpha=auto         the alpha of least output error
///     awq                       AWQ's search for a factor an input
///     rotate                    a randomised Hadamard rotation of the inputs
///     rotate:seed=7,block=128   its signs, and per block of so many inputs
///     equalize                  layers that follow each other get equal ranges
struct transform_scheme {
  enum class kind : std::uint8_t { smooth, awq, rotate, equalize };

  kind what = kind::smooth;
  std::optional<float> alpha = 0.5f;  ///< of smooth; none: searched
  std::uint64_t seed = 0;             ///< of rotate
  index_t block = 0;                  ///< of rotate; 0: as large as there is a Hadamard matrix for

  /// Whether it is fitted to activations.
  bool needs_activations() const noexcept { return what == kind::smooth || what == kind::awq; }

  friend bool operator==(const transform_scheme&, const transform_scheme&) = default;
};

namespace detail {

inline constexpr std::string_view transform_names[] = {"smooth", "awq", "rotate", "equalize"};

/// Reads one KEY=VALUE of a transform.
class transform_reader {
 public:
  explicit transform_reader(std::string_view text) : text_(text) {}

  transform_scheme read() const {
    transform_scheme result;
    const std::size_t colon = text_.find(':');
    const std::string_view name = text_.substr(0, colon);
    std::size_t place = 0;
    while (place < std::size(transform_names) && transform_names[place] != name) ++place;
    if (place == std::size(transform_names))
      fail("expected smooth[:alpha=A|auto], awq, rotate[:seed=S,block=N] or equalize" +
           did_you_mean(closest_word(name, transform_names)));
    result.what = static_cast<transform_scheme::kind>(place);
    for (std::size_t at = colon; at != std::string_view::npos;) {
      const std::size_t comma = text_.find(',', at + 1);
      const std::string_view pair =
          text_.substr(at + 1, comma == std::string_view::npos ? comma : comma - at - 1);
      const std::size_t equals = pair.find('=');
      read(pair.substr(0, equals), equals == std::string_view::npos ? "" : pair.substr(equals + 1), result);
      at = comma;
    }
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    raise(invalid_scheme("transform \"" + excerpt(text_) + "\": " + what));
  }
  void read(std::string_view key, std::string_view value, transform_scheme& to) const {
    using kind = transform_scheme::kind;
    if (to.what == kind::smooth && key == "alpha") {
      to.alpha.reset();
      float alpha = 0;
      if (value == "auto") return;
      if (!read_number(value, alpha) || !(alpha >= 0 && alpha <= 1))
        fail("alpha: expected a number from 0 to 1, or auto, found \"" + excerpt(value) + "\"");
      to.alpha = alpha;
    } else if (to.what == kind::rotate && key == "seed") {
      if (!read_number(value, to.seed))
        fail("seed: expected a whole number from 0 up, found \"" + excerpt(value) + "\"");
    } else if (to.what == kind::rotate && key == "block") {
      if (!read_number(value, to.block) || to.block < 1)
        fail("block: expected a whole number from 1 up, found \"" + excerpt(value) + "\"");
    } else {
      fail(std::string("expected ") +
           (to.what == kind::smooth   ? "alpha=A|auto"
            : to.what == kind::rotate ? "seed=S or block=N"
                                      : "nothing more") +
           ", found \"" + excerpt(key) + "\"");
    }
  }

  std::string_view text_;
};

}  // namespace detail

/// Reads NAME[:KEY=VALUE,...]. Throws invalid_scheme, with what is allowed, for anything else.
inline transform_scheme parse_transform_scheme(std::string_view text) {
  return detail::transform_reader(text).read();
}

/// The text of a transform; parse_transform_scheme(to_text(t)) == t. Keys at their default are left out.
inline std::string to_text(const transform_scheme& t) {
  using kind = transform_scheme::kind;
  std::string text(detail::transform_names[static_cast<std::size_t>(t.what)]);
  if (t.what == kind::smooth && t.alpha != transform_scheme{}.alpha)
    text += ":alpha=" + (t.alpha ? detail::shortest_text(*t.alpha) : std::string("auto"));
  if (t.what == kind::rotate) {
    if (t.seed != 0) text += ":seed=" + std::to_string(t.seed);
    if (t.block != 0) text += (t.seed != 0 ? ",block=" : ":block=") + std::to_string(t.block);
  }
  return text;
}

}  // namespace bitgauge
