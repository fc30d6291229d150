// Files of tensors: to open, to save and to load.

#include <bitgauge/io/gguf/reader_definitions.hpp>
#include <bitgauge/io/gguf/value_bytes_definitions.hpp>
#include <bitgauge/io/load_definitions.hpp>
#include <bitgauge/io/model/report_json_definitions.hpp>
#include <bitgauge/io/safetensors/description_text_definitions.hpp>
#include <bitgauge/io/save_definitions.hpp>
#include <bitgauge/io/tensor_file_definitions.hpp>

namespace bitgauge::io {

#define BITGAUGE_LOAD(matrix)                                                      \
  template matrix load<matrix>(const std::filesystem::path&, std::string_view);    \
  template matrix load<matrix>(std::span<const std::byte>, std::string_view);      \
  template matrix load<matrix>(std::istream&, std::string_view);                   \
  template std::vector<loaded<matrix>> load<matrix>(const std::filesystem::path&); \
  template std::vector<loaded<matrix>> load<matrix>(std::span<const std::byte>);   \
  template std::vector<loaded<matrix>> load<matrix>(std::istream&);

BITGAUGE_LOAD(quantized_matrix)
BITGAUGE_LOAD(gguf::block_matrix)
BITGAUGE_LOAD(trellis_matrix)

}  // namespace bitgauge::io
