#pragma once

/// \file
/// Everything for .safetensors: one file, shards under an index, writing.

#include <bitgauge/io/safetensors/reader.hpp>
#include <bitgauge/io/safetensors/shards.hpp>
#include <bitgauge/io/safetensors/writer.hpp>
