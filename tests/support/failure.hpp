#pragma once

/// \file
/// What a call raised, as a value to compare with.

#include <bitgauge/error.hpp>

#include <exception>
#include <string>

namespace test {

/// The message of the Error that `call` raises; otherwise a text that tells what happened instead.
template <class Error, class Call>
std::string failure_of(Call&& call) {
  try {
    call();
  } catch (const Error& failure) {
    return failure.what();
  } catch (const std::exception& other) {
    return std::string("another type of failure: ") + other.what();
  }
  return "nothing was raised";
}

/// failure_of() for a file that is not what its format says: "FILE: byte OFFSET: FIELD: PROBLEM".
template <class Call>
std::string parse_failure(Call&& call) {
  return failure_of<bitgauge::parse_error>(call);
}

}  // namespace test
