#pragma once

/// \file
/// Quantized tensors in .safetensors files: see description.hpp for what a file holds.

#include <bitgauge/base/buffer.hpp>
#include <bitgauge/io/bytes/named_list.hpp>
#include <bitgauge/io/safetensors/description_list.hpp>
#include <bitgauge/io/safetensors/description_text.hpp>
#include <bitgauge/io/safetensors/quantized_parts.hpp>
#include <bitgauge/io/safetensors/shards.hpp>
#include <bitgauge/io/safetensors/writer.hpp>
#include <bitgauge/matrix/codes/matrix_parameters.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>
#include <bitgauge/transform/channel_scaling.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge::io {
namespace detail {

/// True where a text under our key can be a description. Another program's text may stand there too: it is no
/// JSON object, and carried like any other.
inline bool is_description(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] == '{';
}

}  // namespace detail

/// Declares the parts of quantized tensors in a writer, keeps their descriptions, and writes them one by one.
class quantized_writer {
 public:
  /// Declares the parts of `entry` as the writer's next tensors. Call for all tensors before any is written.
  void declare(safetensors_writer& writer, const quantized_entry& entry) {
    for (const detail::tensor_part& part : detail::parts_of(entry))
      writer.declare(part.name, part.type, part.shape);
    // as text at once: a tree would search all its names for each new one
    descriptions_ += (descriptions_.empty() ? "" : ",") + detail::description_member(entry);
  }
  /// Puts the descriptions of all declared tensors into the header.
  void describe(safetensors_writer& writer) const {
    if (descriptions_.empty()) return;
    writer.set_metadata(detail::description_key, R"({"version":1,"tensors":{)" + descriptions_ + "}}");
  }
  /// Writes the parts of one tensor, in the order of declaration. Raises shape_error where `q` is not of the
  /// declared layout.
  void write(safetensors_writer& writer, const quantized_entry& entry, const quantized_matrix& q) const {
    write_codes(writer, entry.name, q);
    const code_encoding& m = q.encoding();
    if (m.levels_by_row) {
      write_parameters(writer, entry.name, {q.scales(), q.zero_points(), m.levels, m.stored_levels}, {});
    } else {
      write_parameters(writer, entry.name, {q.scales(), q.zero_points()}, m.levels);
    }
    if (entry.transform) write_transform(writer, entry.name, *entry.transform);
  }
  /// The same of levels of a trellis.
  void write(safetensors_writer& writer, const quantized_entry& entry, const trellis_matrix& q) const {
    write(writer, entry.name, q);
    if (entry.transform) write_transform(writer, entry.name, *entry.transform);
  }
  /// Writes levels of a trellis alone. Raises shape_error where they take other bytes than declared.
  void write(safetensors_writer& writer, const std::string& name, const trellis_matrix& q) const {
    const std::vector<std::uint8_t> bytes = q.bytes();
    writer.write(name + ".codes", std::as_bytes(std::span(bytes)));
  }
  /// The same piece by piece: first the codes of some rows after the other, as quantize_in_parts() hands them
  /// out, ...
  void write_codes(safetensors_writer& writer, const std::string& name, const quantized_matrix& part) const {
    writer.write(name + ".codes", std::as_bytes(std::span(part.codes())));
  }
  /// ... then the parameters of all groups, and the levels that all rows share, ...
  void write_parameters(safetensors_writer& writer, const std::string& name, const matrix_parameters& groups,
                        std::span<const float> levels) const {
    writer.write(name + ".scales", std::as_bytes(std::span(groups.scales.bytes())));
    if (!groups.zero_points.empty())
      writer.write(name + ".zero_points", std::as_bytes(std::span(groups.zero_points)));
    if (!levels.empty()) writer.write(name + ".levels", std::as_bytes(levels));
    if (!groups.row_levels.empty()) {
      const std::vector<std::uint8_t> bytes =
          bitgauge::detail::level_bytes(groups.stored_levels, groups.row_levels);
      writer.write(name + ".levels", std::as_bytes(std::span(bytes)));
    }
  }
  /// ... then, where the entry has a transform, its factors.
  void write_transform(safetensors_writer& writer, const std::string& name, const stored_transform& t) const {
    if (t.has_input_factors())
      writer.write(name + ".input_factors", std::as_bytes(std::span(t.input_factors)));
    if (t.has_output_factors())
      writer.write(name + ".output_factors", std::as_bytes(std::span(t.output_factors)));
  }

 private:
  std::string descriptions_;  // JSON members
};

/// The quantized tensors described in a file, and the names of the parts they are made of.
class quantized_reader {
 public:
  /// Raises parse_error, naming the field, where a description is not what this version writes, or a part is
  /// missing or of another type or size.
  /// Every file of the model describes its own tensors; of those in shards, the ones that the index lists,
  /// by their own name or by that of their codes.
  explicit quantized_reader(const safetensors_model& model) : model_(model) {
    for (std::size_t i = 0; i < model.files().size(); ++i) {
      file_ = model.files()[i].name();
      const std::string* text = model.files()[i].find_metadata(detail::description_key);
      if (text != nullptr && detail::is_description(*text)) read_descriptions(i, *text);
    }
    file_ = model.name();
    for (const std::string& name : model.described())
      if (entries_.find(name) == nullptr)
        fail("tensor " + name, "expected a description, as an index lists it and it is there in parts");
  }

  const std::vector<quantized_entry>& entries() const noexcept { return entries_.items(); }
  /// True where `name` is a part of a quantized tensor, not a tensor of its own.
  bool is_part(std::string_view name) const { return parts_.find(name) != nullptr; }

  /// Assembles one tensor of codes and scales; only its own buffers are in memory. Raises parse_error, naming the
  /// tensor, for a scale or a restored value that is not finite, data_error for one of levels of a trellis.
  quantized_matrix read(const quantized_entry& entry) const {
    if (entry.trellis_bytes)
      raise(data_error(model_.name() + ": tensor " + entry.name +
                       ": expected codes and scales, found levels of a trellis (load a trellis_matrix)"));
    return located(entry, [&] { return assemble(entry); });
  }
  /// The same of levels of a trellis, an entry with trellis_bytes. Raises parse_error, naming the tensor, for damaged
  /// bytes: all are decoded once.
  trellis_matrix read_trellis(const quantized_entry& entry) const {
    return located(entry, [&] {
      const std::span<const std::byte> bytes = part(entry.name + ".codes");
      return trellis_matrix(entry.layout.groups.rows(), entry.layout.groups.cols(),
                            {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    });
  }
  /// The transform of one tensor with its factors, where it has one. Raises parse_error, naming the tensor, for
  /// a factor that is not positive and finite.
  std::optional<stored_transform> transform(const quantized_entry& entry) const {
    if (!entry.transform) return std::nullopt;
    stored_transform t = *entry.transform;
    if (t.has_input_factors()) t.input_factors = floats(entry.name + ".input_factors");
    if (t.has_output_factors()) t.output_factors = floats(entry.name + ".output_factors");
    return located(entry, [&] {
      bitgauge::detail::check_factors("factor of input", t.input_factors);
      bitgauge::detail::check_factors("factor of output", t.output_factors);
      return t;
    });
  }

 private:
  /// What `read` gives; an error of its data is one of the file.
  template <class Read>
  std::invoke_result_t<const Read&> located(const quantized_entry& entry, const Read& read) const {
#if BITGAUGE_EXCEPTIONS
    try {
      return read();
    } catch (const data_error& problem) {
      const std::size_t file = parts_.at(entry.name + ".codes", file_).file;
      raise(parse_error(model_.files()[file].name(), 8, "__metadata__: bitgauge: tensor " + entry.name,
                        problem.what()));
    }
#else
    return read();
#endif
  }

  quantized_matrix assemble(const quantized_entry& entry) const {
    quantized_layout layout = entry.layout;
    if (entry.has_levels)
      layout.encoding.levels =
          bitgauge::detail::levels_of_bytes(layout.encoding.stored_levels, part(entry.name + ".levels"));
    std::vector<std::uint8_t> zero_points;
    if (layout.encoding.has_zero_points) zero_points = copy(entry.name + ".zero_points");
    return {layout.groups,
            std::move(layout.encoding),
            copy<buffer<std::uint8_t>>(entry.name + ".codes"),
            scale_array(layout.scales, layout.groups.count(), copy(entry.name + ".scales")),
            std::move(zero_points),
            entry.layout.is_column_vector};
  }

  struct part_place {
    std::string name;
    const tensor_view* tensor;
    std::size_t file;
  };

  [[noreturn]] void fail(const std::string& field, const std::string& problem) const {
    raise(parse_error(file_, 8, "__metadata__: bitgauge: " + field, problem));
  }

  void read_descriptions(std::size_t file, const std::string& text) {
    detail::description_list_visitor list(file_, text);
    list.visit();
    for (const auto& [name, description] : list.descriptions) {
      if (!model_.lists(name, file) && !model_.lists(name + ".codes", file)) continue;
      quantized_entry entry = detail::read_description(file_, name, description);
      find_stored_types(file, entry);
      check_parts(file, entry);
      if (!entries_.add(std::move(entry))) fail("tensor " + name, "appears twice");
    }
  }

  void find_stored_types(std::size_t file, quantized_entry& entry) const {
    if (entry.trellis_bytes) {
      const tensor_view* codes = model_.files()[file].find(entry.name + ".codes");
      if (codes != nullptr) entry.trellis_bytes = static_cast<index_t>(codes->data.size());
      return;
    }
    const tensor_view* levels = model_.files()[file].find(entry.name + ".levels");
    if (entry.layout.encoding.levels_by_row && levels != nullptr) {
      if (levels->type == dtype::f16) entry.layout.encoding.stored_levels = level_type::f16;
      if (levels->type == dtype::i8) entry.layout.encoding.stored_levels = level_type::int8;
    }
    const tensor_view* scales = model_.files()[file].find(entry.name + ".scales");
    if (scales == nullptr) fail("tensor " + entry.name, "expected the tensor " + entry.name + ".scales");
    if (entry.layout.scales.type > scale_type::bf16) return;
    if (scales->type == dtype::f16) entry.layout.scales = scale_type::f16;
    if (scales->type == dtype::bf16) entry.layout.scales = scale_type::bf16;
  }

  void check_parts(std::size_t file, const quantized_entry& entry) {
    for (const detail::tensor_part& expected : detail::parts_of(entry)) {
      const tensor_view* found = model_.files()[file].find(expected.name);
      if (found == nullptr) fail("tensor " + entry.name, "expected the tensor " + expected.name);
      if (found->type != expected.type || found->shape != expected.shape)
        fail("tensor " + expected.name, "expected " + shown(expected.type, expected.shape) + ", found " +
                                            shown(found->type, found->shape));
      parts_.add({expected.name, found, file});
    }
  }

  static std::string shown(dtype type, const std::vector<std::uint64_t>& shape) {
    return std::string(name_of(type)) + " " + detail::shape_text(shape);
  }

  std::span<const std::byte> part(const std::string& name) const {
    return parts_.at(name, file_).tensor->data;
  }
  std::vector<float> floats(const std::string& name) const {
    const std::span<const std::byte> bytes = part(name);
    std::vector<float> values(bytes.size() / sizeof(float));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
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
  named_list<part_place> parts_;
};

}  // namespace bitgauge::io
