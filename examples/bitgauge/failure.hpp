#pragma once

// Where a failure happened, added to what happened.

#include <bitgauge/error.hpp>

#include <string>

namespace program {

/// Calls `work` and puts "FILE: tensor NAME: " before the message of what it throws.
template <class Work>
auto naming(const std::string& file, const std::string& tensor, const Work& work) {
  try {
    return work();
  } catch (const bitgauge::io_error&) {
    throw;  // it names the file that failed, which may be another
  } catch (const bitgauge::bitgauge_error& failure) {
    throw bitgauge::bitgauge_error(file + ": tensor " + tensor + ": " + failure.what());
  }
}

}  // namespace program
