#pragma once

/// \file
/// Where a failure happened, added to what happened.

#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>

#include <new>
#include <string>

namespace bitgauge {
namespace detail {

#if BITGAUGE_EXCEPTIONS
/// Raises the same error with its place before the message, unless the message begins with the source.
template <class Error>
[[noreturn]] void raise_at(const std::string& source, const std::string& tensor, const std::string& said) {
  const bool is_placed = said.starts_with(source + ": ");
  raise(Error(is_placed ? said : source + ": tensor " + excerpt(tensor) + ": " + said));
}
#endif

}  // namespace detail

/// Calls `work` and puts "SOURCE: tensor NAME: " before the message of what it raises; a parse_error of
/// another file becomes a data_error by that. io_error stays as it is, since it names the file that failed;
/// so does `cancelled`, which nothing failed for. Memory that runs out is an io_error. Without exceptions it
/// only calls `work`.
template <class Work>
auto locate_failures(const std::string& source, const std::string& tensor, const Work& work) {
#if BITGAUGE_EXCEPTIONS
  try {
    return work();
  } catch (const io_error&) {
    throw;
  } catch (const cancelled&) {
    throw;
  } catch (const shape_error& failure) {
    detail::raise_at<shape_error>(source, tensor, failure.what());
  } catch (const invalid_scheme& failure) {
    detail::raise_at<invalid_scheme>(source, tensor, failure.what());
  } catch (const bitgauge_error& failure) {
    if (std::string(failure.what()).starts_with(source + ": ")) throw;
    detail::raise_at<data_error>(source, tensor, failure.what());
  } catch (const std::bad_alloc&) {
    detail::raise_at<io_error>(source, tensor, "not enough memory for it");
  }
#else
  static_cast<void>(source);
  static_cast<void>(tensor);
  return work();
#endif
}

}  // namespace bitgauge
