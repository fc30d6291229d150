#pragma once

/// \file
/// What an action complains about.

#include <string>

namespace test {

/// The message of the Error that `action` throws, or "no error". Another type of exception passes through.
template <class Error, class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& failure) {
    return failure.what();
  }
  return "no error";
}

}  // namespace test
