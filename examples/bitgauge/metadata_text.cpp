#include "metadata_text.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <type_traits>
#include <variant>

namespace program {
namespace {

namespace io = bitgauge::io;

nlohmann::json json_of(const io::gguf_array& array);
nlohmann::json json_of(const io::gguf_value& value) {
  return std::visit(
      [](const auto& v) -> nlohmann::json {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, io::gguf_array>) {
          return json_of(v);
        } else {
          return v;
        }
      },
      value);
}
nlohmann::json json_of(const io::gguf_array& array) {
  return std::visit(
      [](const auto& elements) {
        nlohmann::json list = nlohmann::json::array();
        for (const auto& element : elements) {
          if constexpr (std::is_same_v<std::decay_t<decltype(element)>, io::gguf_array>) {
            list.push_back(json_of(element));
          } else {
            list.push_back(element);
          }
        }
        return list;
      },
      array.elements);
}
std::string text_of(const io::gguf_value& value) {
  const nlohmann::json json = json_of(value);
  return json.is_string() ? json.get<std::string>()
                          : json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::vector<io::metadata_entry> metadata_texts(const io::tensor_file& file) {
  std::vector<io::metadata_entry> texts = file.texts();
  if (file.gguf() != nullptr)
    for (const io::gguf_entry& entry : file.gguf()->metadata())
      texts.push_back({entry.name, text_of(entry.value)});
  return texts;
}

}  // namespace program
