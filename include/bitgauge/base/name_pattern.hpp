#pragma once

/// \file
/// Tests of names: of tensors, of layers.

#include <bitgauge/base/printable.hpp>

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
  /// For messages: rule "*.weight".
  std::string shown() const { return label_ + " \"" + excerpt(text_) + "\""; }
  const std::string& label() const noexcept { return label_; }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string label_, text_;
  test test_;
};

}  // namespace bitgauge
