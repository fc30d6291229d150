#pragma once

/// \file
/// The block formats of ggml, as in GGUF files: their types, their descriptions, rows to bytes and back.

#include <bitgauge/gguf/block_importance.hpp>
#include <bitgauge/gguf/decode_row.hpp>
#include <bitgauge/gguf/encode_row.hpp>
#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/gguf/row.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
