#pragma once

/// \file
/// What a container says of a tensor that it cannot hold.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/dtype.hpp>

#include <string>
#include <string_view>

namespace bitgauge::io::detail {

[[noreturn]] inline void refuse(const std::string& path, const std::string& tensor,
                                const std::string& format) {
  raise(invalid_scheme(path + ": tensor " + excerpt(tensor) + ": this container cannot hold " +
                       excerpt(format)));
}

/// The element type that a source calls `name`. Raises invalid_scheme for another word.
inline dtype dtype_named(std::string_view name) {
  const dtype_traits* found = find_dtype(name);
  if (found == nullptr)
    raise(invalid_scheme("expected an element type of .safetensors such as F32, found \"" + excerpt(name) +
                         "\""));
  return found->type;
}

}  // namespace bitgauge::io::detail
