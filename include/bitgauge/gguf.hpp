#pragma once

/// \file
/// The block formats of ggml, as in GGUF files: their types, their descriptions, matrices and
/// rows to bytes and back, and packed for products.

#include <bitgauge/gguf/block_importance.hpp>
#include <bitgauge/gguf/format/visit_format.hpp>
#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/gguf/rows/decode_row.hpp>
#include <bitgauge/gguf/rows/encode_row.hpp>
#include <bitgauge/gguf/rows/row.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/kernel/pack/pack_blocks.hpp>
