#pragma once

/// \file
/// A model in one GGUF file or in the parts of a split one.
/// Source: llama.cpp, tools/gguf-split (names and the keys `split.no`, `split.count`, `split.tensors.count`).

#include <bitgauge/io/bytes/named_list.hpp>
#include <bitgauge/io/gguf/reader.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace bitgauge::io {

/// The tensors and the metadata of one GGUF file, or of all parts of a split one, as one list: opening any
/// part opens NAME-00001-of-0000N.gguf and the rest beside it. Every part is mapped; none is read until its
/// tensors are.
class gguf_model {
 public:
  /// Raises io_error naming a part that is missing, data_error where the name does not tell where the parts
  /// are, and parse_error for a faulty file or parts that do not belong together.
  explicit gguf_model(const std::filesystem::path& path, const gguf_options& options = {}) {
    files_.emplace_back(path, options);
    const std::uint64_t parts = number(files_.front(), path.string(), "split.count", 1);
    if (parts > 1) open_parts(path, parts, options);
    for (const gguf_file& file : files_)
      for (const gguf_entry& entry : file.metadata())
        if (parts <= 1 || !entry.name.starts_with("split.")) metadata_.add(entry);
  }

  /// The first file; it holds the model's metadata.
  const gguf_file& front() const noexcept { return files_.front(); }
  /// The metadata of all parts in their order, a key of several as the first has it, without what only tells
  /// how the file is split.
  const std::vector<gguf_entry>& metadata() const noexcept { return metadata_.items(); }
  /// The tensors of all parts in their order.
  std::vector<gguf_tensor> tensors() const {
    std::vector<gguf_tensor> all;
    for (const gguf_file& file : files_) all.insert(all.end(), file.tensors().begin(), file.tensors().end());
    return all;
  }
  /// Gives memory back that some bytes of the parts take, see mapped_file.
  void forget(std::span<const std::byte> some) const noexcept {
    for (const gguf_file& file : files_) file.forget(some);
  }

 private:
  static constexpr std::size_t digits = 5;
  static constexpr std::string_view of = "-of-", ending = ".gguf";

  /// "-00002-of-00003.gguf" for part 1 of 3, counted from 0.
  static std::string suffix(std::uint64_t part, std::uint64_t parts) {
    const auto padded = [](std::uint64_t value) {
      const std::string text = std::to_string(value);
      return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
    };
    return "-" + padded(part + 1) + std::string(of) + padded(parts) + std::string(ending);
  }

  /// A whole number of the metadata, or `none` where there is no such key.
  static std::uint64_t number(const gguf_file& file, const std::string& name, const char* key,
                              std::uint64_t none) {
    const gguf_value* value = file.find_metadata(key);
    if (value == nullptr) return none;
    return std::visit(
        [&](const auto& v) -> std::uint64_t {
          using type = std::decay_t<decltype(v)>;
          if constexpr (std::is_integral_v<type> && !std::is_same_v<type, bool>) {
            if (v >= type{0}) return static_cast<std::uint64_t>(v);
          }
          raise(parse_error(name, 0, key,
                            "expected a whole number that is not negative, found a value of type " +
                                std::string(type_name_of(*value))));
        },
        *value);
  }

  void open_parts(const std::filesystem::path& path, std::uint64_t parts, const gguf_options& options) {
    const std::uint64_t part = number(files_.front(), path.string(), "split.no", 0);
    const std::string name = path.filename().string(), own = suffix(part, parts);
    const std::string what =
        "part " + std::to_string(part + 1) + " of the " + std::to_string(parts) + " of a split file";
    if (part >= parts || !name.ends_with(own))
      raise(data_error(path.string() + ": this is " + what + ": expected a name ending in " + own +
                       " and the other parts beside it (or join them with llama-gguf-split --merge)"));
    const std::string stem = name.substr(0, name.size() - own.size());
    files_.clear();
    std::uint64_t tensors = 0;
    named_list<tensor_place> places;
    for (std::uint64_t i = 0; i < parts; ++i) {
      const std::filesystem::path next = path.parent_path() / (stem + suffix(i, parts));
      std::error_code failure;
      if (!std::filesystem::exists(next, failure))
        raise(io_error(next.string() + ": expected this part beside " + path.string() + ", which is " + what +
                       ": No such file or directory"));
      files_.emplace_back(next, options);
      const gguf_file& file = files_.back();
      expect(file, next.string(), "split.count", parts);
      expect(file, next.string(), "split.no", i);
      for (const gguf_tensor& tensor : file.tensors())
        if (!places.add({tensor.name}))
          raise(parse_error(next.string(), file.data_offset() + tensor.offset,
                            "tensor " + excerpt(tensor.name), "appears in an earlier part as well"));
      tensors += file.tensors().size();
    }
    expect(files_.front(), path.string(), "split.tensors.count", tensors);
  }

  /// A part that says something else than the others.
  static void expect(const gguf_file& file, const std::string& name, const char* key,
                     std::uint64_t expected) {
    const std::uint64_t found = number(file, name, key, expected);
    if (found != expected)
      raise(parse_error(name, 0, key,
                        "expected " + std::to_string(expected) + ", found " + std::to_string(found)));
  }

  struct tensor_place {
    std::string name;
  };

  std::vector<gguf_file> files_;
  named_list<gguf_entry> metadata_;
};

}  // namespace bitgauge::io
