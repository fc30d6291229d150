#pragma once

/// \file
/// Quantized tensors in .safetensors files: see quantized_description.hpp for what a file holds.

#include <bitgauge/buffer.hpp>
#include <bitgauge/io/named_list.hpp>
#include <bitgauge/io/quantized_description.hpp>
#include <bitgauge/io/safetensors_model.hpp>
#include <bitgauge/io/safetensors_writer.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::io {
namespace detail {

inline constexpr const char* description_key = "bitgauge";

/// One part of a quantized tensor: how the file lists it.
struct tensor_part {
  std::string name;
  dtype type;
  std::vector<std::uint64_t> shape;
};

/// The parts of an entry in the order in which they are written.
inline std::vector<tensor_part> parts_of(const quantized_entry& entry) {
  const quantized_layout& layout = entry.layout;
  const auto extent = [](index_t n) { return static_cast<std::uint64_t>(n); };
  const bool floats = layout.scales.type <= scale_type::bf16;
  constexpr dtype scale_dtypes[] = {dtype::f32, dtype::f16, dtype::bf16};
  std::vector<tensor_part> parts{
      {entry.name + ".codes", dtype::u8, {extent(layout.groups.rows()), extent(layout.row_bytes())}},
      {entry.name + ".scales",
       floats ? scale_dtypes[static_cast<int>(layout.scales.type)] : dtype::u8,
       {extent(floats ? layout.groups.count() : layout.scale_bytes())}}};
  if (layout.meaning.has_zero_points)
    parts.push_back({entry.name + ".zero_points", dtype::u8, {extent(layout.zero_point_bytes())}});
  if (entry.has_levels)
    parts.push_back({entry.name + ".levels", dtype::f32, {std::uint64_t{1} << layout.meaning.bits}});
  return parts;
}

}  // namespace detail

/// Declares the parts of quantized tensors in a writer, keeps their descriptions, and writes them one by one.
class quantized_writer {
 public:
  /// Declares the parts of `entry` as the writer's next tensors. Call for all tensors before any is written.
  void declare(safetensors_writer& writer, const quantized_entry& entry) {
    for (const detail::tensor_part& part : detail::parts_of(entry))
      writer.declare(part.name, part.type, part.shape);
    descriptions_[entry.name] = detail::description_of(entry);
  }
  /// Puts the descriptions of all declared tensors into the header.
  void describe(safetensors_writer& writer) const {
    if (descriptions_.empty()) return;
    nlohmann::ordered_json all;
    all["version"] = 1;
    all["tensors"] = descriptions_;
    writer.set_metadata(detail::description_key, all.dump());
  }
  /// Writes the parts of one tensor, in the order of declaration. Raises shape_error where `q` is not of the
  /// declared layout.
  void write(safetensors_writer& writer, const std::string& name, const quantized_matrix& q) const {
    writer.write(name + ".codes", std::as_bytes(std::span(q.codes())));
    writer.write(name + ".scales", std::as_bytes(std::span(q.scales().bytes())));
    if (q.meaning().has_zero_points)
      writer.write(name + ".zero_points", std::as_bytes(std::span(q.zero_points())));
    if (!q.meaning().levels.empty())
      writer.write(name + ".levels", std::as_bytes(std::span(q.meaning().levels)));
  }

 private:
  nlohmann::ordered_json descriptions_;
};

/// The quantized tensors described in a file, and the names of the parts they are made of.
class quantized_reader {
 public:
  /// Raises parse_error, naming the field, where a description is not what this version writes, or a part is
  /// missing or of another type or size.
  quantized_reader(const safetensors_model& model, std::string file) : model_(model), file_(std::move(file)) {
    for (const metadata_entry& text : model.metadata())
      if (text.name == detail::description_key) read_descriptions(text.value);
  }

  const std::vector<quantized_entry>& entries() const noexcept { return entries_.items(); }
  /// True where `name` is a part of a quantized tensor, not a tensor of its own.
  bool is_part(std::string_view name) const { return parts_.find(name) != nullptr; }

  /// Assembles one tensor; only its own buffers are in memory.
  quantized_matrix read(const quantized_entry& entry) const {
    quantized_layout layout = entry.layout;
    if (entry.has_levels) {
      const std::span<const std::byte> bytes = part(entry.name + ".levels");
      layout.meaning.levels.resize(bytes.size() / sizeof(float));
      std::memcpy(layout.meaning.levels.data(), bytes.data(), bytes.size());
    }
    std::vector<std::uint8_t> zero_points;
    if (layout.meaning.has_zero_points) zero_points = copy(entry.name + ".zero_points");
    return {layout.groups,
            std::move(layout.meaning),
            copy<buffer<std::uint8_t>>(entry.name + ".codes"),
            scale_array(layout.scales, layout.groups.count(), copy(entry.name + ".scales")),
            std::move(zero_points),
            entry.layout.is_column_vector};
  }

 private:
  struct part_name {
    std::string name;
  };

  [[noreturn]] void fail(const std::string& field, const std::string& problem) const {
    raise(parse_error(file_, 8, "__metadata__: bitgauge: " + field, problem));
  }

  void read_descriptions(const std::string& text) {
    const auto all = nlohmann::ordered_json::parse(text, nullptr, false);
    if (!all.is_object()) fail("text", "expected a JSON object");
    if (!all.contains("version") || all["version"] != 1)
      fail("version",
           "expected 1" + (all.contains("version") ? ", found " + all["version"].dump() : std::string()));
    if (!all.contains("tensors") || !all["tensors"].is_object()) fail("tensors", "expected an object");
    for (const auto& [name, description] : all["tensors"].items()) {
      quantized_entry entry = detail::description_reader(file_, name, description).read();
      find_scale_type(entry);
      check_parts(entry);
      entries_.add(std::move(entry));
    }
  }

  void find_scale_type(quantized_entry& entry) const {
    const tensor_view* scales = model_.find(entry.name + ".scales");
    if (scales == nullptr) fail("tensor " + entry.name, "expected the tensor " + entry.name + ".scales");
    if (entry.layout.scales.type > scale_type::bf16) return;
    if (scales->type == dtype::f16) entry.layout.scales = scale_type::f16;
    if (scales->type == dtype::bf16) entry.layout.scales = scale_type::bf16;
  }

  void check_parts(const quantized_entry& entry) {
    for (const detail::tensor_part& expected : detail::parts_of(entry)) {
      const tensor_view* found = model_.find(expected.name);
      if (found == nullptr) fail("tensor " + entry.name, "expected the tensor " + expected.name);
      if (found->type != expected.type || found->shape != expected.shape)
        fail("tensor " + expected.name, "expected " + shown(expected.type, expected.shape) + ", found " +
                                            shown(found->type, found->shape));
      parts_.add({expected.name});
    }
  }

  static std::string shown(dtype type, const std::vector<std::uint64_t>& shape) {
    std::string text;
    for (const std::uint64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
    return std::string(name_of(type)) + " [" + text + "]";
  }

  std::span<const std::byte> part(const std::string& name) const { return model_.at(name).data; }
  template <class Bytes = std::vector<std::uint8_t>>
  Bytes copy(const std::string& name) const {
    const auto bytes = part(name);
    Bytes copied(bytes.size());
    if (!bytes.empty()) std::memcpy(copied.data(), bytes.data(), bytes.size());
    return copied;
  }

  const safetensors_model& model_;
  std::string file_;
  named_list<quantized_entry> entries_;
  named_list<part_name> parts_;
};

}  // namespace bitgauge::io
