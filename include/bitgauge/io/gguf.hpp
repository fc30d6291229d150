#pragma once

/// \file
/// Everything for GGUF files: values, tensors, reading, writing.

#include <bitgauge/io/gguf_reader.hpp>
#include <bitgauge/io/gguf_writer.hpp>
