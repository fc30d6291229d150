#pragma once

/// \file
/// Everything for GGUF files: values, tensors, reading, writing.

#include <bitgauge/io/gguf/reader.hpp>
#include <bitgauge/io/gguf/writer.hpp>
