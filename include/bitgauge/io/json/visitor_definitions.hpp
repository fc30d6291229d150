#pragma once

/// \file
/// What visitor.hpp declares.

#include <bitgauge/base/config.hpp>
#include <bitgauge/io/json/visitor.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <iterator>
#include <string_view>

namespace bitgauge::io::detail {

/// Tells how far the parser has come.
struct counting_iterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  const char** reached;

  reference operator*() const { return *at; }
  counting_iterator& operator++() {
    *reached = ++at;
    return *this;
  }
  counting_iterator operator++(int) {
    const counting_iterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const counting_iterator& other) const { return at == other.at; }
};

BITGAUGE_DEFINE void read_json(std::string_view text, const char*& reached,
                               nlohmann::json_sax<nlohmann::ordered_json>& visitor) {
  nlohmann::ordered_json::sax_parse(counting_iterator{text.data(), &reached},
                                    counting_iterator{text.data() + text.size(), &reached}, &visitor);
}

}  // namespace bitgauge::io::detail
