#pragma once

/// \file
/// Everything for .safetensors: one file, shards under an index, writing.

#include <bitgauge/io/safetensors_model.hpp>
#include <bitgauge/io/safetensors_reader.hpp>
#include <bitgauge/io/safetensors_writer.hpp>
