#include "metadata_text.hpp"

#include <bitgauge/io/gguf/value_text.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <variant>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

/// For people: what is no UTF-8 is shown as far as it is.
std::string text_of(const io::gguf_value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  const auto* array = std::get_if<io::gguf_array>(&value);
  const auto* texts = array == nullptr ? nullptr : std::get_if<std::vector<std::string>>(&array->elements);
  if (texts == nullptr) return io::typed_text_of(value).text;
  return nlohmann::json(*texts).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::vector<io::metadata_entry> metadata_texts(const io::tensor_file& file) {
  std::vector<io::metadata_entry> texts;
  for (const io::gguf_entry& entry : file.metadata()) texts.push_back({entry.name, text_of(entry.value)});
  return texts;
}

}  // namespace program
