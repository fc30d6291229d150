#pragma once

/// \file
/// The metadata of a GGUF file among the texts of a .safetensors file, and back with types and order kept.
///
/// Each entry becomes the text of its own key, as value_text.hpp spells it. Where that alone would not
/// give the entry back, because it is no string or its key means something else in our files, `__metadata__`
/// holds one more text under the key `bitgauge.gguf`:
///
///     {"version": 1, "keys": [["general.name", "str"],            key and type, in the order of the GGUF
///                             ["llama.block_count", "u32"],
///                             ["bitgauge", "str", "a text"]]}     with its text where the key is ours
///
/// A file without it, such as one of another program, holds strings. Texts that it does not list are strings
/// behind those that it does; what it lists and the file no longer holds has been taken out.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/named_list.hpp>
#include <bitgauge/io/gguf/value_text.hpp>
#include <bitgauge/io/safetensors/header.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io::detail {

inline bool is_own_key(std::string_view key) {
  return key == description_key || key == gguf_types_key;
}

/// The entries of `metadata` as texts. Raises data_error, naming `file` and the key, for a key that is not
/// UTF-8.
inline std::vector<metadata_entry> texts_of(const std::vector<gguf_entry>& metadata,
                                            const std::string& file) {
  constexpr std::size_t shown = 40;
  std::vector<metadata_entry> texts;
  nlohmann::ordered_json keys = nlohmann::ordered_json::array();
  bool is_plain = true;
  for (const gguf_entry& entry : metadata) {
    if (!is_utf8(entry.name))
      raise(data_error(file + ": metadata key with the bytes " + hex_of(entry.name.substr(0, shown)) +
                       ": expected UTF-8, which a .safetensors file needs"));
    gguf_value_text typed = typed_text_of(entry.value);
    const bool is_own = is_own_key(entry.name);
    is_plain = is_plain && typed.type == "str" && !is_own;
    keys.push_back({entry.name, typed.type});
    if (is_own) {
      keys.back().push_back(std::move(typed.text));
    } else {
      texts.push_back({entry.name, std::move(typed.text)});
    }
  }
  if (!is_plain)
    texts.push_back(
        {gguf_types_key, nlohmann::ordered_json{{"version", 1}, {"keys", std::move(keys)}}.dump()});
  return texts;
}

/// Gives types back to texts.
class gguf_texts_reader {
 public:
  /// \param texts the texts of a .safetensors file
  /// \param file  its name for messages
  gguf_texts_reader(const std::vector<metadata_entry>& texts, std::string file) : file_(std::move(file)) {
    for (const metadata_entry& text : texts) texts_.add(text);
  }

  /// The entries in the order of the GGUF, other texts behind them. Raises parse_error, naming the key, for
  /// a text that is not of its type.
  std::vector<gguf_entry> read() {
    if (const metadata_entry* types = texts_.find(gguf_types_key)) read_keys(types->value);
    for (const metadata_entry& text : texts_.items())
      if (text.name != gguf_types_key) entries_.add({text.name, text.value});
    return entries_.items();
  }

 private:
  void read_keys(const std::string& text) {
    const auto all = parse_json(text);
    if (!all.is_object() || !all.contains("version") || all["version"] != 1 || !all.contains("keys") ||
        !all["keys"].is_array())
      fail("", "expected an object of version 1 with an array 'keys'");
    for (const auto& key : all["keys"]) {
      bool fits = key.is_array() && (key.size() == 2 || key.size() == 3);
      for (std::size_t i = 0; fits && i < key.size(); ++i) fits = key[i].is_string();
      if (!fits) fail("keys", "expected key and type, or key, type and text");
      read_key(key);
    }
  }

  void read_key(const nlohmann::ordered_json& key) {
    const auto& name = key[0].get_ref<const std::string&>();
    const metadata_entry* text = texts_.find(name);
    if (key.size() == 2 && text == nullptr) return;
    const gguf_value_text typed{key[1].get<std::string>(),
                                key.size() == 3 ? key[2].get<std::string>() : text->value};
    std::optional<gguf_value> value = value_of(typed);
    const std::string where = "key " + excerpt(name);
    if (!value)
      fail(where,
           "expected a value of type " + excerpt(typed.type) + ", found '" + excerpt(typed.text) + "'");
    if (!entries_.add({name, *std::move(value)})) fail(where, "appears twice");
  }

  [[noreturn]] void fail(const std::string& where, const std::string& problem) const {
    const std::string field = std::string("__metadata__: ") + gguf_types_key;
    raise(parse_error(file_, 8, where.empty() ? field : field + ": " + where, problem));
  }

  std::string file_;
  named_list<metadata_entry> texts_;
  named_list<gguf_entry> entries_;
};

}  // namespace bitgauge::io::detail
