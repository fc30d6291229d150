#pragma once

/// \file
/// Texts of files and of the command line.

#include <bitgauge/io/safetensors/shards.hpp>
#include <bitgauge/io/safetensors/writer.hpp>
#include <bitgauge/layer/activation_scheme.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

#include "fuzz/target.hpp"
#include "support/temporary_directory.hpp"

#include <fstream>
#include <span>
#include <string>

namespace fuzz {

/// The bytes are an index beside one shard, a.safetensors, which holds a tensor w.
inline void shard_index(bytes input) {
  static const test::temporary_directory folder;
  static const auto index = [] {
    bitgauge::io::safetensors_writer writer(folder / "a.safetensors");
    writer.declare("w", bitgauge::io::dtype::u8, {2});
    writer.write("w", std::as_bytes(std::span("ab", 2)));
    writer.commit();
    return folder / "model.safetensors.index.json";
  }();
  std::ofstream(index, std::ios::binary) << text_of(input);
  const bitgauge::io::safetensors_model model(index);
  for (const auto& tensor : model.tensors()) require(tensor.name == "w" && tensor.data.size() == 2);
}

/// What is read can be written, and reads as the same.
inline void scheme(bytes input) {
  const std::string_view text = text_of(input);
  const bool is_activation = accepts(
      [&](bytes) {
        const auto read = bitgauge::parse_activation_scheme(text);
        require(bitgauge::parse_activation_scheme(to_text(read)) == read);
      },
      input);
  if (is_activation) return;
  const bitgauge::scheme read = bitgauge::parse_scheme(text);
  require(bitgauge::parse_scheme(to_text(read)) == read);
}

}  // namespace fuzz
