#pragma once

/// \file
/// What llama.hpp declares.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/byte_source.hpp>
#include <bitgauge/io/gguf/reader.hpp>
#include <bitgauge/io/json/text.hpp>
#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/model/llama/attention/rope.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/load.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/llama/vocabulary.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace bitgauge::io {
namespace detail {

/// Reads the metadata of a GGUF file of a llama.
class llama_metadata {
 public:
  explicit llama_metadata(const gguf_file& file, std::string path) : file_(file), path_(std::move(path)) {}

  llama::config read() const {
    const gguf_value* architecture = file_.find_metadata("general.architecture");
    const auto* name = architecture == nullptr ? nullptr : std::get_if<std::string>(architecture);
    if (name == nullptr || *name != "llama")
      raise(data_error(path_ + ": general.architecture: expected llama, found " +
                       (name == nullptr ? "none" : excerpt(*name))));
    llama::config c;
    c.width = whole("embedding_length");
    c.layers = whole("block_count");
    c.feed_forward = whole("feed_forward_length");
    c.heads = whole("attention.head_count");
    c.key_heads = whole("attention.head_count_kv", c.heads);
    c.head_size = whole("attention.key_length", c.heads > 0 ? c.width / c.heads : 0);
    c.context = whole("context_length");
    c.norm_epsilon = static_cast<float>(real("attention.layer_norm_rms_epsilon"));
    c.rope_size = whole("rope.dimension_count", c.head_size);
    c.rope_base = real("rope.freq_base", 10000);
    const gguf_value* scaling = file_.find_metadata("llama.rope.scaling.type");
    const auto* type = scaling == nullptr ? nullptr : std::get_if<std::string>(scaling);
    if (type != nullptr && *type == "linear") {
      c.rope_scale = real("rope.scaling.factor");
    } else if (type != nullptr && *type != "none") {
      raise(
          data_error(path_ + ": llama.rope.scaling.type: expected none or linear, found " + excerpt(*type)));
    }
    const gguf_tensor* embedding = file_.find("token_embd.weight");
    c.vocabulary = whole("vocab_size", embedding == nullptr ? 0 : static_cast<index_t>(embedding->rows()));
    return c;
  }

  llama::vocabulary vocabulary() const {
    const std::string model = value<std::string>("tokenizer.ggml.model");
    if (model != "llama")
      raise(data_error(path_ + ": tokenizer.ggml.model: expected llama, found " + excerpt(model)));
    const llama::vocabulary::options defaults;
    return {elements<std::string>("tokenizer.ggml.tokens"),
            elements<float>("tokenizer.ggml.scores"),
            {.add_space_prefix = value<bool>("tokenizer.ggml.add_space_prefix", defaults.add_space_prefix),
             .add_begin = value<bool>("tokenizer.ggml.add_bos_token", true),
             .begin = static_cast<llama::token>(value<std::uint32_t>("tokenizer.ggml.bos_token_id", 1)),
             .end = static_cast<llama::token>(value<std::uint32_t>("tokenizer.ggml.eos_token_id", 2))}};
  }

 private:
  /// A value of the type that it must have.
  template <class Value>
  Value value(const std::string& key, std::optional<Value> otherwise = {}) const {
    const gguf_value* found = file_.find_metadata(key);
    if (found == nullptr && otherwise) return *otherwise;
    if (found == nullptr) raise(data_error(path_ + ": expected the metadata " + key + ", found none"));
    if (const auto* typed = std::get_if<Value>(found)) return *typed;
    raise(data_error(path_ + ": " + key + ": expected the type " +
                     std::string(type_name_of(gguf_value(Value()))) + ", found " +
                     std::string(type_name_of(*found))));
  }
  template <class Element>
  std::vector<Element> elements(const std::string& key) const {
    const auto list = value<gguf_array>(key);
    if (const auto* typed = std::get_if<std::vector<Element>>(&list.elements)) return *typed;
    raise(data_error(path_ + ": " + key + ": expected elements of type " +
                     std::string(type_name_of(gguf_value(Element()))) + ", found others"));
  }
  template <class Number>
  std::optional<Number> number(const std::string& key) const {
    const gguf_value* value = file_.find_metadata("llama." + key);
    if (value == nullptr) return std::nullopt;
    return std::visit(
        [&](const auto& v) -> Number {
          if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v)>>) {
            return static_cast<Number>(v);
          } else {
            raise(data_error(path_ + ": llama." + key + ": expected a number, found " +
                             std::string(type_name_of(*value))));
          }
        },
        *value);
  }
  index_t whole(const std::string& key, std::optional<index_t> otherwise = {}) const {
    return required(key, number<index_t>(key), otherwise);
  }
  double real(const std::string& key, std::optional<double> otherwise = {}) const {
    return required(key, number<double>(key), otherwise);
  }
  template <class Number>
  Number required(const std::string& key, std::optional<Number> found,
                  std::optional<Number> otherwise) const {
    if (found) return *found;
    if (otherwise) return *otherwise;
    raise(data_error(path_ + ": expected the metadata llama." + key + ", found none"));
  }

  const gguf_file& file_;
  std::string path_;
};

/// Reads Hugging Face's config.json of a llama.
class llama_json {
 public:
  explicit llama_json(const std::filesystem::path& path) : path_(path.string()), source_(path) {
    const auto bytes = source_.bytes();
    json_ = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!json_.is_object()) raise(data_error(path_ + ": expected a JSON object, found something else"));
  }

  llama::config read() const {
    const std::string type = text(json_, "model_type");
    if (type != "llama") raise(data_error(path_ + ": model_type: expected llama, found " + excerpt(type)));
    llama::config c;
    c.rotated = llama::rope_pairs::halves;
    c.vocabulary = whole("vocab_size");
    c.width = whole("hidden_size");
    c.layers = whole("num_hidden_layers");
    c.feed_forward = whole("intermediate_size");
    c.heads = whole("num_attention_heads");
    c.key_heads = json_.contains("num_key_value_heads") ? whole("num_key_value_heads") : c.heads;
    const bool has_size = json_.contains("head_dim") && !json_["head_dim"].is_null();
    c.head_size = has_size ? whole("head_dim") : c.heads > 0 ? c.width / c.heads : 0;
    c.rope_size = c.head_size;
    c.context = whole("max_position_embeddings");
    c.norm_epsilon = static_cast<float>(real(json_, "rms_norm_eps"));
    if (json_.contains("rope_theta")) c.rope_base = real(json_, "rope_theta");
    if (json_.contains("rope_scaling") && !json_["rope_scaling"].is_null()) scale(json_["rope_scaling"], c);
    return c;
  }

 private:
  using object = nlohmann::ordered_json;

  void scale(const object& scaling, llama::config& c) const {
    const std::string type = text(scaling, scaling.contains("rope_type") ? "rope_type" : "type");
    if (type == "linear") {
      c.rope_scale = real(scaling, "factor");
    } else if (type == "llama3") {
      c.rope_factors = llama::llama3_rope_factors(
          c.rope_size, c.rope_base, real(scaling, "factor"), real(scaling, "low_freq_factor"),
          real(scaling, "high_freq_factor"), real(scaling, "original_max_position_embeddings"));
    } else if (type != "default") {
      raise(data_error(path_ + ": rope_scaling: expected default, linear or llama3, found " + excerpt(type)));
    }
  }
  [[noreturn]] void fail(const char* key, const char* expected, const object& found) const {
    raise(data_error(path_ + ": " + key + ": expected " + expected + ", found " + shown(found)));
  }
  const object& member(const object& from, const char* key) const {
    if (!from.is_object() || !from.contains(key))
      raise(data_error(path_ + ": expected " + key + ", found none"));
    return from[key];
  }
  std::string text(const object& from, const char* key) const {
    const object& value = member(from, key);
    if (!value.is_string()) fail(key, "a text", value);
    return value.get<std::string>();
  }
  double real(const object& from, const char* key) const {
    const object& value = member(from, key);
    if (!value.is_number()) fail(key, "a number", value);
    return value.get<double>();
  }
  index_t whole(const char* key) const {
    const object& value = member(json_, key);
    if (!value.is_number_integer()) fail(key, "a whole number", value);
    return value.get<index_t>();
  }

  std::string path_;
  byte_source source_;
  object json_;
};

}  // namespace detail

BITGAUGE_DEFINE llama::config llama_config(const tensor_file& file) {
  if (file.gguf() != nullptr) return detail::llama_metadata(*file.gguf(), file.path()).read();
  llama::config c =
      detail::llama_json(std::filesystem::path(file.path()).parent_path() / "config.json").read();
  // made from a .gguf: queries and keys lie in its order
  if (llama::names_in(file).is_gguf()) c.rotated = llama::rope_pairs::neighbours;
  return c;
}

BITGAUGE_DEFINE llama::vocabulary llama_vocabulary(const tensor_file& file) {
  if (file.gguf() != nullptr) return detail::llama_metadata(*file.gguf(), file.path()).vocabulary();
  llama::vocabulary bytes = llama::vocabulary::bytes();
  if (const index_t count = llama_config(file).vocabulary; count != bytes.size())
    bitgauge::detail::raise_message<data_error>({file.path(), ": expected a vocabulary of ", bytes.size(),
                                                 " tokens of bytes, as the file holds no pieces, found ",
                                                 count});
  return bytes;
}

BITGAUGE_DEFINE llama::model load_llama(const std::filesystem::path& path, const llama::load_options& o) {
  const tensor_file file(path);
  return llama::load(file, llama_config(file), o);
}

}  // namespace bitgauge::io
