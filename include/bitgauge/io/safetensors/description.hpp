#pragma once

/// \file
/// The JSON that says what the parts of a quantized tensor in a .safetensors file mean.
///
/// `__metadata__` holds one text under the key `bitgauge`:
///
///     {"version": 1, "tensors": {
///       "w": {"shape": [64, 300],       the original shape
///             "rows": "last",           only with three dimensions and more, how rows are counted: all of
///                                       them but the last, or the "first", which a missing field means
///             "dtype": "F32",           the original element type
///             "scheme": "affine:bits=4,group=128",
///                                       how it was made; for people, not needed to decode
///             "bits": 4,                bits of a code
///             "codes": "unsigned",      or signed (two's complement), sign (0 is -1, 1 is +1), levels
///             "levels": "row",          only where every row has levels of its own
///             "group": 128,             elements of a row that share parameters, or row, column, tensor
///             "zero_point": "stored",   or the one integer that all groups share
///             "scale": "dynamic8",      only where scales are no floats: e8m0, e4m3, e4m3_divided,
///                                       dynamic8 or affine8
///             "scale_block": 256,       only with dynamic8 and affine8: scales that share parameters
///             "column_vector": true,    only where a vector of one dimension stands for a column
///             "activations": {          only where the layer's inputs are to be quantized too
///               "scheme": "static:affine",   as parse_activation_scheme() reads it
///               "scale": 0.02, "zero_point": 131},   only where static
///             "transform": "smooth:alpha=0.5"}}}   only where the weights were rewritten before they were
///                                       quantized: as parse_transform_scheme() reads it
///
/// and the file holds, for each such tensor,
///
///     w.codes        U8 [rows, row_bytes]   codes packed LSB first, each row from a byte boundary
///     w.scales       F32, F16, BF16 [groups]   row by row, and along each row
///                    U8 [bytes]             with "scale": as laid out in scale/storage.hpp
///     w.zero_points  U8 [bytes]             only with "stored": codes packed LSB first without gaps
///     w.levels       F32 [2^bits]           only with "codes": "levels": the number each code stands for
///                    F32, F16, I8 [rows, 2^bits]   with "levels": "row"; I8 is a number of 127ths
///
///     w.input_factors F32 [columns], w.output_factors F32 [rows]
///                                           only with a "transform" that has them: see stored_transform
///
/// real = scale * (code - zero_point), the code replaced by its level where there are levels. A vector is one
/// row.
///
/// Levels of a trellis have shape, rows, dtype, scheme, activations and transform as above, and "codes": "trellis" alone
/// beside these; the file holds, with the factors of a transform,
///
///     w.codes        U8 [bytes]             steps, distributions and levels: matrix/trellis/trellis_matrix.hpp

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/dtype.hpp>
#include <bitgauge/io/json/text.hpp>
#include <bitgauge/layer/activation_scheme.hpp>
#include <bitgauge/matrix/layout.hpp>
#include <bitgauge/matrix/scheme/text.hpp>
#include <bitgauge/matrix/scheme/words.hpp>
#include <bitgauge/model/quantized_entry.hpp>
#include <bitgauge/model/tensors/matrix_shape.hpp>
#include <bitgauge/transform/stored/transform_scheme.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge::io {

namespace detail {

inline constexpr bitgauge::detail::words<granularity> group_words(bitgauge::detail::granularity_words);

/// The scale types whose scales are no floats: their bytes are those of scale_array.
inline constexpr std::pair<std::string_view, scale_type> byte_scale_list[] = {
    {"e8m0", scale_type::e8m0},
    {"e4m3", scale_type::e4m3},
    {"e4m3_divided", scale_type::e4m3_divided},
    {"dynamic8", scale_type::dynamic8},
    {"affine8", scale_type::affine8}};
inline constexpr bitgauge::detail::words<scale_type> byte_scale_words(byte_scale_list);

inline std::string_view code_word(const quantized_entry& entry) {
  const code_encoding& m = entry.layout.encoding;
  return entry.trellis_bytes ? "trellis"
         : entry.has_levels  ? "levels"
         : m.is_sign_only    ? "sign"
         : m.is_signed       ? "signed"
                             : "unsigned";
}

/// What a layer does before it multiplies.
inline nlohmann::ordered_json& describe_use(const quantized_entry& entry, nlohmann::ordered_json& json) {
  if (entry.activations) {
    nlohmann::ordered_json& activations = json["activations"];
    activations["scheme"] = to_text(entry.activations->scheme);
    if (entry.activations->scheme.is_static) {
      activations["scale"] = entry.activations->frozen.scale;
      activations["zero_point"] = entry.activations->frozen.zero_point;
    }
  }
  if (entry.transform) json["transform"] = to_text(entry.transform->scheme);
  return json;
}

inline nlohmann::ordered_json description_of(const quantized_entry& entry) {
  const granularity groups = entry.layout.groups.granularity();
  const code_encoding& m = entry.layout.encoding;
  nlohmann::ordered_json json;
  json["shape"] = entry.shape;
  if (entry.shape.size() > 2) json["rows"] = name_of(entry.rows);
  json["dtype"] = entry.original;
  json["scheme"] = entry.scheme;
  if (entry.trellis_bytes) {
    json["codes"] = code_word(entry);
    return describe_use(entry, json);
  }
  json["bits"] = m.bits;
  json["codes"] = code_word(entry);
  if (m.levels_by_row) json["levels"] = "row";
  if (groups.what == granularity::kind::group) {
    json["group"] = groups.size;
  } else {
    json["group"] = bitgauge::detail::word_of(group_words, groups);
  }
  if (m.has_zero_points) {
    json["zero_point"] = "stored";
  } else {
    json["zero_point"] = m.center;
  }
  const scale_storage& scales = entry.layout.scales;
  if (const std::string_view word = bitgauge::detail::word_of(byte_scale_words, scales.type); !word.empty()) {
    json["scale"] = word;
    if (scales.block > 0) json["scale_block"] = scales.block;
  }
  if (entry.layout.is_column_vector) json["column_vector"] = true;
  return describe_use(entry, json);
}

/// Reads one description, refusing what it does not know by naming the field.
class description_reader {
 public:
  description_reader(std::string file, std::string name, const nlohmann::ordered_json& json)
      : file_(std::move(file)), name_(std::move(name)), json_(json) {}

  quantized_entry read() const {
    quantized_entry entry;
    entry.name = name_;
    const nlohmann::ordered_json& shape =
        member("shape", json_.is_object() && member("shape", true).is_array(), "an array");
    for (const auto& extent : shape) {
      if (!extent.is_number_unsigned()) fail("shape", "an array of numbers", shape);
      entry.shape.push_back(extent.get<std::uint64_t>());
    }
    entry.scheme = text("scheme");
    const dtype_traits* original = find_dtype(text("dtype"));
    if (original == nullptr) fail("dtype", "a known element type", member("dtype", true));
    entry.original = original->name;
    const std::string codes = text("codes");
    if (codes == "trellis") return trellis(entry);
    code_encoding& m = entry.layout.encoding;
    m.bits = static_cast<int>(number("bits", 1, 8));
    entry.has_levels = codes == "levels";
    m.is_sign_only = codes == "sign";
    m.is_signed = codes == "signed";
    if (!entry.has_levels && !m.is_sign_only && !m.is_signed && codes != "unsigned")
      fail("codes", "unsigned, signed, sign, levels or trellis", member("codes", true));
    if (json_.contains("levels")) {
      member("levels", json_["levels"] == "row", "row");
      m.levels_by_row = true;
    }
    const nlohmann::ordered_json& zero_point = member("zero_point", true);
    m.has_zero_points = zero_point == "stored";
    if (!m.has_zero_points) m.center = static_cast<int>(number("zero_point", -128, 255));
    const auto fault = bitgauge::detail::fault_of(m, entry.has_levels);
    if (fault.field != nullptr) fail(fault.field, fault.problem);
    if (json_.contains("scale")) entry.layout.scales = scales();
    entry.rows = rows_of(entry.shape);
    const auto [rows, cols] = matrix_shape(file_ + ": tensor " + name_, entry.shape, entry.rows);
    entry.layout.groups = grouping(group(), rows, cols);
    if (json_.contains("column_vector"))
      entry.layout.is_column_vector = member("column_vector", json_["column_vector"] == true && rows == 1,
                                             "true beside a shape of one dimension");
    read_use(entry);
    return entry;
  }

 private:
  void read_use(quantized_entry& entry) const {
    if (json_.contains("activations")) entry.activations = activations();
    if (json_.contains("transform"))
      entry.transform.emplace().scheme =
          parsed("transform", [](const std::string& text) { return parse_transform_scheme(text); });
  }
  /// Its bytes are those of the part that holds it.
  quantized_entry trellis(quantized_entry entry) const {
    entry.rows = rows_of(entry.shape);
    const auto [rows, cols] = matrix_shape(file_ + ": tensor " + name_, entry.shape, entry.rows);
    entry.layout.groups = grouping(per_column{}, rows, cols);
    entry.trellis_bytes = 0;
    read_use(entry);
    return entry;
  }

  [[noreturn]] void fail(const std::string& field, const std::string& problem) const {
    raise(parse_error(file_, 8, "__metadata__: bitgauge: tensor " + name_ + ": " + field, problem));
  }
  [[noreturn]] void fail(const std::string& field, const std::string& expected,
                         const nlohmann::ordered_json& found) const {
    fail(field, "expected " + expected + ", found " + shown(found));
  }
  const nlohmann::ordered_json& member(const char* field, bool good,
                                       const char* expected = "a member") const {
    const auto at = json_.is_object() ? json_.find(field) : json_.end();
    if (at == json_.end()) fail(field, "a member of this name", json_);
    if (!good) fail(field, expected, *at);
    return *at;
  }
  std::string text(const char* field) const {
    const nlohmann::ordered_json& value = member(field, true);
    if (!value.is_string()) fail(field, "a text", value);
    return value.get<std::string>();
  }
  std::int64_t number(const char* field, std::int64_t low, std::int64_t high) const {
    const nlohmann::ordered_json& value = member(field, true);
    const bool fits = value.is_number_integer() && value.get<double>() >= static_cast<double>(low) &&
                      value.get<double>() <= static_cast<double>(high);
    if (!fits)
      fail(field, "a whole number from " + std::to_string(low) + " to " + std::to_string(high), value);
    return value.get<std::int64_t>();
  }
  scale_storage scales() const {
    scale_storage storage;
    if (!bitgauge::detail::read_word(byte_scale_words, text("scale"), storage.type))
      fail("scale", bitgauge::detail::listed(byte_scale_words), member("scale", true));
    if (storage.type == scale_type::dynamic8 || storage.type == scale_type::affine8)
      storage.block = number("scale_block", 1, std::int64_t{1} << 53);
    return storage;
  }
  /// What `parse` makes of a text; an error in the text is one of the file.
  template <class Parse>
  std::invoke_result_t<const Parse&, const std::string&> parsed(const char* field, const Parse& parse) const {
    const std::string value = text(field);
#if BITGAUGE_EXCEPTIONS
    try {
      return parse(value);
    } catch (const bitgauge_error& problem) {
      raise(parse_error(file_, 8, std::string("__metadata__: bitgauge: tensor ") + name_ + ": " + field,
                        problem.what()));
    }
#else
    return parse(value);
#endif
  }
  stored_activations activations() const {
    const nlohmann::ordered_json& value = member("activations", true);
    const description_reader inner(file_, name_ + ": activations", value);
    stored_activations found{
        inner.parsed("scheme", [](const std::string& text) { return parse_activation_scheme(text); }), {}};
    if (!found.scheme.is_static) return found;
    const nlohmann::ordered_json& scale = inner.member("scale", true);
    const float number = scale.is_number() ? scale.get<float>() : 0;
    if (!(number > 0) || !numeric::is_finite(number)) inner.fail("scale", "a finite number above 0", scale);
    const bool is_affine = found.scheme.answers.grid.view() == "affine";
    found.frozen = {number, static_cast<int>(inner.number("zero_point", 0, is_affine ? 255 : 0))};
    return found;
  }
  /// Files written before there was a choice have no such field; their rows are the first dimension.
  row_dimensions rows_of(const std::vector<std::uint64_t>& shape) const {
    row_dimensions dimensions = row_dimensions::first;
    if (shape.size() > 2 && json_.contains("rows") && !read_row_dimensions(text("rows"), dimensions))
      fail("rows", "first or last", member("rows", true));
    return dimensions;
  }
  granularity group() const {
    const nlohmann::ordered_json& value = member("group", true);
    granularity groups;
    if (value.is_string() && bitgauge::detail::read_word(group_words, value.get<std::string>(), groups))
      return groups;
    if (!value.is_number_integer()) fail("group", "row, column, tensor or a number from 1 up", value);
    return per_group{number("group", 1, std::int64_t{1} << 53)};
  }

  std::string file_, name_;
  const nlohmann::ordered_json& json_;
};

}  // namespace detail
}  // namespace bitgauge::io
