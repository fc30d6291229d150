#pragma once

/// \file
/// "Did you mean": the known word nearest to one that is not known.

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace bitgauge::detail {

/// Words longer than this are near to none: what is compared comes from outside, and costs the square.
inline constexpr std::size_t longest_word = 40;

constexpr char lower_case(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = lower_case(c);
  return lower;
}

/// The fewest letters that have to be put in, taken out, exchanged, or swapped with their neighbour to make
/// `b` of `a` (optimal string alignment distance), letters of any case being the same. Texts of at most
/// longest_word letters. Cost: a.size() * b.size().
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  // the last three rows of the table of distances between prefixes
  std::array<std::array<std::size_t, longest_word + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto &above = rows[(i + 2) % 3], &before = rows[(i + 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower_case(a[i - 1]) == lower_case(b[j - 1]);
      row[j] = std::min({row[j - 1] + 1, above[j] + 1, above[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower_case(a[i - 1]) == lower_case(b[j - 2]) &&
                           lower_case(a[i - 2]) == lower_case(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

/// Of `words` the one nearest to `text`, the first of equals; empty where more than a third of the letters of
/// the longer of the two would have to change (one letter always may).
inline std::string_view closest_word(std::string_view text, std::span<const std::string_view> words) {
  std::string_view closest;
  std::size_t least = longest_word;
  if (text.empty() || text.size() > longest_word) return closest;
  for (const std::string_view word : words) {
    if (word.empty() || word.size() > longest_word) continue;
    const std::size_t distance = edit_distance(text, word), longer = std::max(text.size(), word.size());
    if (distance >= least || distance > std::max<std::size_t>(1, longer / 3) || distance == longer) continue;
    least = distance;
    closest = word;
  }
  return closest;
}

/// ": did you mean WORD?", or nothing where there is no near word.
inline std::string did_you_mean(std::string_view word) {
  return word.empty() ? std::string() : ": did you mean " + std::string(word) + "?";
}

}  // namespace bitgauge::detail
