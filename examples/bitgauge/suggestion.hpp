#pragma once

// What a mistyped word may have been meant to be.

#include <string>
#include <string_view>
#include <vector>

namespace program {

/// The one of `known` that is nearest to `word`: by insertions, deletions, changes and swaps of neighbours,
/// at most one for every three characters of it, two at least. What begins with `word` is near too. Empty
/// where none is.
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

}  // namespace program
