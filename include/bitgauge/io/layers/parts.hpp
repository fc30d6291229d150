#pragma once

/// \file
/// The tensors that together hold one layer in a foreign .safetensors file, checked one by one.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/dtype.hpp>
#include <bitgauge/io/bytes/little_endian.hpp>
#include <bitgauge/io/safetensors/reader.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io::detail {

/// One layer of a file: tensors named `layer` + suffix. Faults are parse_errors that name the tensor and the
/// byte of the file at which they stand.
class layer_parts {
 public:
  layer_parts(const safetensors_file& file, std::string layer) : file_(file), layer_(std::move(layer)) {}

  const tensor_view* find(std::string_view suffix) const { return file_.find(layer_ + std::string(suffix)); }

  /// The tensor of this suffix.
  const tensor_view& required(std::string_view suffix) const {
    const tensor_view* part = find(suffix);
    if (part == nullptr)
      raise(parse_error(file_.name(), 8, layer_ + std::string(suffix),
                        "expected a tensor of this name, found none"));
    return *part;
  }
  /// The same, of this number of dimensions.
  const tensor_view& of_rank(std::string_view suffix, std::size_t dimensions) const {
    const tensor_view& part = required(suffix);
    if (part.shape.size() != dimensions)
      fail(part, 0,
           "expected " + std::to_string(dimensions) + " dimensions, found " + shape_text(part.shape));
    return part;
  }
  /// The same, of this type.
  const tensor_view& of_rank(std::string_view suffix, dtype type, std::size_t dimensions) const {
    const tensor_view& part = required(suffix);
    if (part.type != type)
      fail(part, 0, "expected " + std::string(name_of(type)) + ", found " + std::string(name_of(part.type)));
    return of_rank(suffix, dimensions);
  }
  /// The same, of this shape.
  const tensor_view& of_shape(std::string_view suffix, dtype type,
                              const std::vector<std::uint64_t>& shape) const {
    const tensor_view& part = of_rank(suffix, type, shape.size());
    require_shape(part, shape);
    return part;
  }
  const tensor_view& of_shape(std::string_view suffix, const std::vector<std::uint64_t>& shape) const {
    const tensor_view& part = of_rank(suffix, shape.size());
    require_shape(part, shape);
    return part;
  }
  /// Faults where a tensor has another shape.
  void require_shape(const tensor_view& part, const std::vector<std::uint64_t>& shape) const {
    if (part.shape != shape)
      fail(part, 0, "expected the shape " + shape_text(shape) + ", found " + shape_text(part.shape));
  }

  /// Faults where a tensor has no elements: its other extents may be anything, and nothing is made of them.
  void require_elements(const tensor_view& part) const {
    if (part.data.empty()) fail(part, 0, "expected elements, found the shape " + shape_text(part.shape));
  }

  /// Raises a fault at byte `at` of a tensor's data.
  [[noreturn]] void fail(const tensor_view& part, std::uint64_t at, const std::string& problem) const {
    raise(parse_error(file_.name(), file_.offset_of(part) + at, part.name, problem));
  }

  /// The elements of a tensor whose type is T's.
  template <class T>
  static std::vector<T> elements(const tensor_view& part) {
    std::vector<T> values(part.data.size() / sizeof(T));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = from_little_endian<T>(part.data.data() + i * sizeof(T));
    return values;
  }

 private:
  const safetensors_file& file_;
  std::string layer_;
};

}  // namespace bitgauge::io::detail
