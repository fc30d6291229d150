#pragma once

/// \file
/// A model in one .safetensors file or in several with an index.
/// Source: the sharded checkpoints of Hugging Face transformers, `model.safetensors.index.json`.

#include <bitgauge/io/safetensors/reader.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io {

namespace detail {

/// Which shard holds a tensor.
struct shard_entry {
  std::string name;
  std::string shard;
  std::uint64_t place = 0;  // byte offset in the index
};

/// Collects the member "weight_map" of the index, `{TENSOR: SHARD, ...}`; all else in the index is passed
/// over.
class shard_index_visitor final : public open_json_visitor {
 public:
  using open_json_visitor::open_json_visitor;

  named_list<shard_entry> weights;
  bool has_map = false;

  bool key(string_t& text) override {
    key_ = text;
    return true;
  }
  bool string(string_t& text) override {
    if (!in_map_) return open_json_visitor::string(text);
    if (!weights.add({key_, text, offset()})) fail("'" + key_ + "' appears twice");
    return true;
  }

 private:
  void value(const char* found) const override {
    if (in_map_ || depth() == 0) unexpected(found);
  }
  void begin_object() override {
    if (in_map_) unexpected("an object");
    if (depth() != 1 || key_ != "weight_map") return;
    if (has_map) fail("'weight_map' appears twice");
    has_map = in_map_ = true;
  }
  void end_of_object() override { in_map_ = false; }

  std::string field() const override { return in_map_ ? "weight_map: " + key_ : "index"; }
  std::string expected() const override { return in_map_ ? "the name of a shard" : "an object"; }

  std::string key_;
  bool in_map_ = false;
};

}  // namespace detail

/// The tensors of `model.safetensors`, or of all shards that `model.safetensors.index.json` names, as one
/// list. Every shard is mapped; none is read until its tensors are.
class safetensors_model {
 public:
  /// Opens an index where `path` ends in .json, else one file. Raises io_error naming a file that cannot be
  /// opened, such as a missing shard, and parse_error for a faulty file, a shard name that leaves the index's
  /// folder, or a tensor that its shard does not hold
  /// (as it is or, where the shard was quantized after the index was written, in parts).
  explicit safetensors_model(const std::filesystem::path& path)
      : name_(path.string()), is_sharded_(path.extension() == ".json") {
    if (is_sharded_) {
      open_shards(path);
    } else {
      files_.emplace_back(path);
      for (const tensor_view& tensor : files_.front().tensors()) tensors_.add(tensor);
    }
    for (const safetensors_file& file : files_) {
      for (const metadata_entry& entry : file.metadata()) metadata_.add(entry);
    }
  }

  /// One file from memory, which must outlive this object; `name` is for messages.
  safetensors_model(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)) {
    files_.emplace_back(bytes, name_);
    for (const tensor_view& tensor : files_.front().tensors()) tensors_.add(tensor);
    for (const metadata_entry& entry : files_.front().metadata()) metadata_.add(entry);
  }

  /// The path, as given.
  const std::string& name() const noexcept { return name_; }
  /// The file, or the shards in the order in which the index names them first.
  const std::vector<safetensors_file>& files() const noexcept { return files_; }
  /// True where `name` is to be read from `files()[file]`: always in a single file, else as the index says.
  bool lists(std::string_view name, std::size_t file) const {
    if (!is_sharded_) return true;
    const auto place = places_.find(name);
    return place != places_.end() && place->second == file;
  }

  /// What the index lists and shards hold in parts, by their own description.
  const std::vector<std::string>& described() const noexcept { return described_; }

  /// The tensors in the order of the file, or of the index's weight_map. What a shard holds beside them is
  /// left out.
  const std::vector<tensor_view>& tensors() const noexcept { return tensors_.items(); }
  /// The tensor called `name`, or null.
  const tensor_view* find(std::string_view name) const { return tensors_.find(name); }
  /// The tensor called `name`. Raises data_error where there is none.
  const tensor_view& at(std::string_view name) const { return tensors_.at(name, name_); }
  /// The texts of `__metadata__`; where shards disagree, the first one's.
  const std::vector<metadata_entry>& metadata() const noexcept { return metadata_.items(); }

 private:
  void open_shards(const std::filesystem::path& path) {
    const byte_source source(path);
    detail::shard_index_visitor index(name_, 0);
    index.visit({reinterpret_cast<const char*>(source.bytes().data()), source.bytes().size()});
    if (!index.has_map)
      raise(parse_error(name_, source.bytes().size(), "index", "expected a member 'weight_map'"));
    std::map<std::string, std::size_t> opened;
    for (const detail::shard_entry& entry : index.weights.items()) {
      const auto [place, is_new] = opened.emplace(entry.shard, files_.size());
      if (is_new) {
        check_shard_name(entry);
        files_.emplace_back(path.parent_path() / entry.shard);
      }
      places_.emplace(entry.name, place->second);
      const safetensors_file& shard = files_[place->second];
      if (const tensor_view* tensor = shard.find(entry.name)) {
        tensors_.add(*tensor);
      } else if (shard.find_metadata(detail::description_key) == nullptr ||
                 shard.find(entry.name + ".codes") == nullptr) {  // quantized since the index was written
        fail(entry, "expected the tensor in " + entry.shard + ", which does not hold it");
      } else {
        described_.push_back(entry.name);
      }
    }
  }

  /// An index comes from outside: it must not open files elsewhere.
  void check_shard_name(const detail::shard_entry& entry) const {
    const std::filesystem::path shard(entry.shard);
    bool inside = !entry.shard.empty() && !shard.has_root_path() &&
                  entry.shard.find('\\') == std::string::npos && entry.shard.find('\0') == std::string::npos;
    for (const auto& part : shard) inside = inside && part != "..";
    if (!inside) fail(entry, "expected a file in the folder of the index, found '" + entry.shard + "'");
  }

  [[noreturn]] void fail(const detail::shard_entry& entry, const std::string& problem) const {
    raise(parse_error(name_, entry.place, "weight_map: " + entry.name, problem));
  }

  std::string name_;
  bool is_sharded_ = false;
  std::vector<safetensors_file> files_;
  std::map<std::string, std::size_t, std::less<>> places_;  // of the index's tensors among the files
  std::vector<std::string> described_;
  named_list<tensor_view> tensors_;
  named_list<metadata_entry> metadata_;
};

}  // namespace bitgauge::io
