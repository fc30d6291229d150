#pragma once

// What a file says beside its tensors, as texts.

#include <bitgauge/io/tensor_file.hpp>

#include <vector>

namespace program {

/// The metadata of a file for people to read: a string as it is, anything else as JSON.
std::vector<bitgauge::io::metadata_entry> metadata_texts(const bitgauge::io::tensor_file& file);

}  // namespace program
