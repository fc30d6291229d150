#pragma once

// Where a failure happened, added to what happened.

#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>

#include <new>
#include <string>

namespace program {

/// A failure whose message names the file that holds the fault.
class located_error : public bitgauge::bitgauge_error {
 public:
  using bitgauge_error::bitgauge_error;
};

/// Calls `work` and puts "FILE: tensor NAME: " before the message of what it throws, once: what is read from
/// another file within names that one.
template <class Work>
auto naming(const std::string& file, const std::string& tensor, const Work& work) {
  const std::string place = file + ": tensor " + bitgauge::excerpt(tensor) + ": ";
  try {
    return work();
  } catch (const bitgauge::io_error&) {
    throw;  // it names the file that failed, which may be another
  } catch (const located_error&) {
    throw;
  } catch (const bitgauge::bitgauge_error& failure) {
    const std::string said = failure.what();
    if (said.starts_with(file + ": ")) throw;  // it names the place already
    throw located_error(place + said);
  } catch (const std::bad_alloc&) {
    throw located_error(place + "not enough memory for it");
  }
}

}  // namespace program
