#pragma once

// Where a failure happened, added to what happened.

#include <bitgauge/error.hpp>
#include <bitgauge/printable.hpp>

#include <new>
#include <string>

namespace program {

/// Calls `work` and puts "FILE: tensor NAME: " before the message of what it throws.
template <class Work>
auto naming(const std::string& file, const std::string& tensor, const Work& work) {
  const std::string place = file + ": tensor " + bitgauge::excerpt(tensor) + ": ";
  try {
    return work();
  } catch (const bitgauge::io_error&) {
    throw;  // it names the file that failed, which may be another
  } catch (const bitgauge::bitgauge_error& failure) {
    const std::string said = failure.what();
    if (said.starts_with(file + ": ")) throw;  // it names the place already
    throw bitgauge::bitgauge_error(place + said);
  } catch (const std::bad_alloc&) {
    throw bitgauge::bitgauge_error(place + "not enough memory for it");
  }
}

}  // namespace program
