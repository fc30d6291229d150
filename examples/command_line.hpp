#pragma once

/// \file
/// "--option value" pairs of the example programs, and the files that they write.

#include <bitgauge/error.hpp>

#include <charconv>
#include <fstream>
#include <string>
#include <system_error>

namespace command_line {

/// Calls take(option, value) for each pair. Raises data_error for an option without a value.
template <class Take>
void for_each_option(int count, char** texts, const Take& take) {
  for (int i = 1; i < count; i += 2) {
    const std::string option = texts[i];
    if (i + 1 == count) bitgauge::raise(bitgauge::data_error(option + ": expected a value behind it"));
    take(option, std::string(texts[i + 1]));
  }
}

/// A number that `accepts` takes. Raises data_error, "OPTION: expected `expected`, found ...", for all else.
template <class Number, class Accepts>
Number read_number(const std::string& option, const std::string& text, const char* expected,
                   const Accepts& accepts) {
  Number number{};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || !accepts(number))
    bitgauge::raise(bitgauge::data_error(option + ": expected " + expected + ", found \"" + text + "\""));
  return number;
}

/// Raises io_error where the file cannot be written.
inline void write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) bitgauge::raise(bitgauge::io_error(path + ": cannot be written"));
}

}  // namespace command_line
