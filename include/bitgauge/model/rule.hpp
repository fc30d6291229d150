#pragma once

/// \file
/// Which tensors a decision is for, by their names.

#include <bitgauge/error.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/matrix_shape.hpp>
#include <bitgauge/model/tensor_source.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace bitgauge {

/// True where `pattern` matches all of `name`: '*' stands for any characters or none, '?' for any one, every
/// other character for itself (case counts). Cost: at most pattern times name, and no stack.
///
///     matches_glob("*.attn_?.weight", "blk.3.attn_q.weight")   // true
constexpr bool matches_glob(std::string_view pattern, std::string_view name) noexcept {
  constexpr std::size_t none = std::string_view::npos;
  std::size_t p = 0, n = 0, star = none, tried = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      tried = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != none) {  // let the last star take one character more
      p = star + 1;
      n = ++tried;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

/// A test of names, and what messages call it: `label "text"`.
///
///     name_pattern a = "*.weight";   // matches_glob()
///     name_pattern b("--include", text, [=](std::string_view name) { return found(text, name); });
class name_pattern {
 public:
  using test = std::function<bool(std::string_view name)>;

  /// A glob.
  name_pattern(std::string glob) : label_("rule"), text_(std::move(glob)) {
    test_ = [pattern = text_](std::string_view name) { return matches_glob(pattern, name); };
  }
  name_pattern(const char* glob) : name_pattern(std::string(glob)) {}
  /// Any test; `label` and `text` are for messages.
  name_pattern(std::string label, std::string text, test matches)
      : label_(std::move(label)), text_(std::move(text)), test_(std::move(matches)) {}

  bool matches(std::string_view name) const { return test_(name); }
  bool matches_any(const tensor_source& source) const {
    for (std::size_t i = 0; i < source.tensor_count(); ++i)
      if (matches(source.info(i).name)) return true;
    return false;
  }
  /// For messages: rule "*.weight".
  std::string shown() const { return label_ + " \"" + excerpt(text_) + "\""; }
  const std::string& label() const noexcept { return label_; }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string label_, text_;
  test test_;
};

/// Raises data_error, naming what there is, where no tensor of the source matches: a mistyped name would
/// change nothing in silence.
inline void require_match(const name_pattern& pattern, const tensor_source& source) {
  if (pattern.matches_any(source)) return;
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
