#pragma once

/// \file
/// The keys of scheme texts.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/scheme/presets.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/matrix/scheme/suggestions.hpp>
#include <bitgauge/matrix/scheme/words.hpp>

#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// The word of `all` that `text` was meant to be, or nothing.
template <class Value>
std::string_view word_meant(words<Value> all, std::string_view text) {
  std::vector<std::string_view> known;
  for (const auto& [word, value] : all) known.push_back(word);
  return meant_word(text, known, value_aliases);
}

/// One key of a scheme text: what it accepts, how it is read, how it is written (nothing where it is the
/// default), and what a value that it does not accept was meant to be.
struct scheme_key {
  std::string_view name;
  std::string (*allowed)();
  bool (*read)(std::string_view text, scheme& to);
  std::string (*write)(const scheme& from);
  std::string_view (*meant)(std::string_view text) = [](std::string_view) { return std::string_view(); };
};

template <class Number>
bool read_number(std::string_view text, Number low, Number high, Number& to) {
  Number value{};
  if (!read_number(text, value) || !(value >= low && value <= high)) return false;
  to = value;
  return true;
}

/// A key whose values are words.
template <auto Member, const auto& Words, int>
constexpr scheme_key word_key(std::string_view name) {
  using value = std::remove_cvref_t<decltype(scheme{}.*Member)>;
  return {name, [] { return listed(words<value>(Words)); },
          [](std::string_view text, scheme& to) { return read_word(words<value>(Words), text, to.*Member); },
          [](const scheme& from) {
            return from.*Member == named_scheme(from.grid).*Member
                       ? std::string()
                       : std::string(word_of(words<value>(Words), from.*Member));
          },
          [](std::string_view text) { return word_meant(words<value>(Words), text); }};
}

/// A key whose values are numbers from Low to High.
template <auto Member, auto Low, auto High, int>
constexpr scheme_key number_key(std::string_view name) {
  using value = std::remove_cvref_t<decltype(scheme{}.*Member)>;
  return {name,
          [] {
            if constexpr (static_cast<value>(High) == std::numeric_limits<value>::max()) {
              return std::to_string(Low) + " or more";
            } else {
              return std::to_string(Low) + " to " + std::to_string(High);
            }
          },
          [](std::string_view text, scheme& to) {
            return read_number(text, static_cast<value>(Low), static_cast<value>(High), to.*Member);
          },
          [](const scheme& from) {
            if (from.*Member == named_scheme(from.grid).*Member) return std::string();
            if constexpr (std::is_floating_point_v<value>) {
              return shortest_text(from.*Member);
            } else {
              return std::to_string(from.*Member);
            }
          }};
}

template <int = 0>
bool read_groups(std::string_view text, scheme& to) {
  index_t size = 0;
  if (read_word(words<granularity>(granularity_words), text, to.groups)) return true;
  if (!read_number(text, index_t{1}, std::numeric_limits<index_t>::max(), size)) return false;
  to.groups = per_group{size};
  return true;
}
template <int = 0>
std::string write_groups(const scheme& from) {
  if (from.groups == named_scheme(from.grid).groups) return {};
  if (from.groups.what == granularity::kind::group) return std::to_string(from.groups.size);
  return std::string(word_of(words<granularity>(granularity_words), from.groups));
}

template <int Any = 0>
inline constexpr scheme_key scheme_key_rows[] = {
    number_key<&scheme::bits, 1, 8, Any>("bits"),
    word_key<&scheme::full, flag_words, Any>("full"),
    word_key<&scheme::signed_codes, flag_words, Any>("signed"),
    word_key<&scheme::unsigned_codes, flag_words, Any>("unsigned"),
    word_key<&scheme::torch, flag_words, Any>("torch"),
    {"group", [] { return listed(words<granularity>(granularity_words)) + " or a number from 1 up"; },
     &read_groups<>, &write_groups<>,
     [](std::string_view text) { return word_meant(words<granularity>(granularity_words), text); }},
    word_key<&scheme::range, range_words, Any>("range"),
    number_key<&scheme::percentile, 0, 100, Any>("percentile"),
    word_key<&scheme::rounding, rounding_words, Any>("rounding"),
    number_key<&scheme::seed, 0, std::numeric_limits<std::uint64_t>::max(), Any>("seed"),
    word_key<&scheme::act_order, flag_words, Any>("act_order"),
    word_key<&scheme::static_groups, flag_words, Any>("static_groups"),
    number_key<&scheme::damping, 0, 1, Any>("damping"),
    word_key<&scheme::scales, scale_words, Any>("scale"),
    number_key<&scheme::double_block, 0, std::numeric_limits<index_t>::max(), Any>("double"),
    word_key<&scheme::effort, effort_words, Any>("effort"),
    word_key<&scheme::levels, level_words, Any>("levels"),
};

/// Every key, in the order in which they are written; a new field of `scheme` gets its row above. A template, as
/// is what reads it, so that only who reads it compiles every key.
template <int Any = 0>
std::span<const scheme_key> scheme_keys() {
  return scheme_key_rows<Any>;
}

template <int = 0>
void read_pair(std::string_view pair, std::string_view whole, scheme& to, std::uint32_t& seen) {
  const auto fail = [&](const std::string& what) {
    raise(invalid_scheme("scheme \"" + excerpt(whole) + "\": " + what));
  };
  const std::size_t equals = pair.find('=');
  const std::string_view name = trimmed(pair.substr(0, equals));
  std::vector<std::string_view> names;
  std::string all;
  std::uint32_t bit = 1;
  for (const scheme_key& key : scheme_keys()) {
    all += (all.empty() ? "" : ", ") + std::string(key.name);
    names.push_back(key.name);
    if (key.name != name) {
      bit <<= 1;
      continue;
    }
    if ((seen & bit) != 0) fail(std::string(name) + ": given twice");
    seen |= bit;
    if (equals == std::string_view::npos)
      fail(std::string(name) + ": expected " + std::string(name) + "=" + key.allowed());
    const std::string_view value = trimmed(pair.substr(equals + 1));
    if (!key.read(value, to))
      fail(std::string(name) + ": expected " + key.allowed() + ", found \"" + excerpt(value) + "\"" +
           did_you_mean(key.meant(value)));
    return;
  }
  if (name.empty())
    fail("expected KEY=VALUE behind ':' and every ',', found \"" + excerpt(trimmed(pair)) + "\"");
  const std::string meant = did_you_mean(meant_word(name, names, key_aliases));
  fail("unknown key \"" + excerpt(name) + "\"" +
       (meant.empty() ? ": expected one of " : meant + " Keys are ") + all);
}

}  // namespace bitgauge::detail
