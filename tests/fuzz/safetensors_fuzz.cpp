#include "fuzz/readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accepts(fuzz::safetensors, std::as_bytes(std::span(data, size)));
  return 0;
}
