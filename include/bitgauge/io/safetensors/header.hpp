#pragma once

/// \file
/// The JSON header of a .safetensors file.
/// Source: the format's description in github.com/huggingface/safetensors, "Format".

#include <bitgauge/io/bytes/dtype.hpp>
#include <bitgauge/io/bytes/named_list.hpp>
#include <bitgauge/io/json/visitor.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge::io {

/// A text under a name, as `__metadata__` holds them.
struct metadata_entry {
  std::string name;
  std::string value;
};

namespace detail {

/// The longest header that is read or written: the limit of the reference implementation.
inline constexpr std::uint64_t safetensors_header_limit = 100'000'000;
inline constexpr std::string_view safetensors_metadata_key = "__metadata__";

/// Keys of `__metadata__` that are this library's: the descriptions of quantized tensors
/// (description.hpp) and the types of GGUF metadata (gguf/texts.hpp).
inline constexpr const char* description_key = "bitgauge";
inline constexpr const char* gguf_types_key = "bitgauge.gguf";

/// One tensor as the header describes it.
struct safetensors_entry {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> data_offsets;  // begin and end, from the end of the header
  std::uint64_t place = 0;                  // byte offset in the file where the description ends
};

/// Collects `{"__metadata__": {NAME: TEXT, ...}, NAME: {"dtype": .., "shape": [..], "data_offsets": [..,
/// ..]}, ...}`.
class safetensors_header_visitor final : public json_visitor {
 public:
  using json_visitor::json_visitor;

  named_list<safetensors_entry> tensors;
  named_list<metadata_entry> metadata;

  bool start_object(std::size_t) override {
    if (level_ == level::outside) {
      level_ = level::names;
    } else if (level_ == level::name) {
      level_ = entry_.name == safetensors_metadata_key ? level::metadata : level::fields;
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(string_t& text) override {
    switch (level_) {
      case level::names:
        begin_entry(text);
        break;
      case level::metadata:
        metadata_name_ = text;
        level_ = level::metadata_value;
        break;
      default:
        begin_field(text);
    }
    return true;
  }

  bool string(string_t& text) override {
    if (level_ == level::metadata_value) {
      if (!metadata.add({metadata_name_, text})) fail("'" + metadata_name_ + "' appears twice");
      level_ = level::metadata;
    } else if (level_ == level::dtype_value) {
      const dtype_traits* found = find_dtype(text);
      if (found == nullptr) fail("expected one of " + all_dtypes() + ", found '" + text + "'");
      entry_.type = found->type;
      level_ = level::fields;
    } else {
      unexpected("a text");
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (level_ != level::array_value) unexpected("an array");
    level_ = level::array;
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (level_ != level::array) unexpected("a number");
    array().push_back(value);
    return true;
  }
  bool end_array() override {
    level_ = level::fields;
    return true;
  }

  bool end_object() override {
    if (level_ == level::fields) end_entry();
    level_ = level_ == level::names ? level::outside : level::names;
    return true;
  }

 private:
  enum class level {
    outside,
    names,
    name,
    metadata,
    metadata_value,
    fields,
    dtype_value,
    array_value,
    array
  };
  static constexpr std::array<std::string_view, 3> fields{"dtype", "shape", "data_offsets"};

  void begin_entry(const std::string& name) {
    entry_ = {};
    entry_.name = name;
    seen_ = {};
    const bool is_metadata = name == safetensors_metadata_key;
    if (is_metadata ? has_metadata_ : tensors.find(name) != nullptr) fail("'" + name + "' appears twice");
    has_metadata_ |= is_metadata;
    level_ = level::name;
  }

  void begin_field(const std::string& name) {
    for (field_ = 0; field_ < fields.size() && fields[field_] != name; ++field_) {
    }
    if (field_ == fields.size()) fail("expected dtype, shape or data_offsets, found '" + name + "'");
    if (seen_[field_]) fail("'" + name + "' appears twice");
    seen_[field_] = true;
    level_ = field_ == 0 ? level::dtype_value : level::array_value;
  }

  void end_entry() {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!seen_[i]) fail("has no " + std::string(fields[i]));
    }
    if (entry_.data_offsets.size() != 2) {
      fail("data_offsets: expected 2 numbers, found " + std::to_string(entry_.data_offsets.size()));
    }
    entry_.place = offset();
    tensors.add(std::move(entry_));
  }

  std::vector<std::uint64_t>& array() { return field_ == 1 ? entry_.shape : entry_.data_offsets; }

  static std::string all_dtypes() {
    std::string names;
    for (const dtype_traits& each : dtypes) names += (names.empty() ? "" : ", ") + std::string(each.name);
    return names;
  }

  std::string field() const override {
    switch (level_) {
      case level::outside:
      case level::names:
        return "header";
      case level::metadata:
      case level::metadata_value:
        return std::string(safetensors_metadata_key);
      case level::name:
      case level::fields:
        return "tensor " + entry_.name;
      default:
        return "tensor " + entry_.name + ": " + std::string(fields[field_]);
    }
  }

  std::string expected() const override {
    switch (level_) {
      case level::metadata_value:
      case level::dtype_value:
        return "a text";
      case level::array_value:
        return "an array";
      case level::array:
        return "a number that is not negative";
      default:
        return "an object";
    }
  }

  level level_ = level::outside;
  safetensors_entry entry_;
  std::array<bool, 3> seen_{};
  std::size_t field_ = 0;
  std::string metadata_name_;
  bool has_metadata_ = false;
};

}  // namespace detail
}  // namespace bitgauge::io
