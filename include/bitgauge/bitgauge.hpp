#pragma once

/// \file
/// The front end and its results: quantize(matrix, answers...) with every grid, granularity, range and storage, by types
/// and by scheme; the way back to floats, products and errors. Families have headers of their own:
///
///     <bitgauge/gguf.hpp>               quantize(W, gguf::q4_k{}), rows of blocks
///     <bitgauge/model/quantize.hpp>     quantize(W, "q4_k:effort=best")
///     <bitgauge/rounding/gptq.hpp>      gptq{H}, hessian
///     <bitgauge/metrics/output_error.hpp>   how far a layer's outputs are off
///     <bitgauge/range/...>              HQQ, observers, the calibrators of other systems
///     <bitgauge/layer/...>              activations, layers with quantized weights
///     <bitgauge/training/...>           gradients: fake quantization, learned steps, LoRA, QLoRA
///     <bitgauge/packing/...>, <bitgauge/bitsandbytes/...>, <bitgauge/hqq/...>   layouts of other systems
///     <bitgauge/io.hpp>                 files; needs nlohmann-json

#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/fitted_codebook.hpp>
#include <bitgauge/grid/lookup.hpp>
#include <bitgauge/grid/normal_float.hpp>
#include <bitgauge/grid/signed_normal_float.hpp>
#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/kernel/row_product.hpp>
#include <bitgauge/matrix/bias.hpp>
#include <bitgauge/matrix/codes/from_codes.hpp>
#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/range/given.hpp>
#include <bitgauge/range/kl.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/percentile.hpp>
#include <bitgauge/rounding/half_away.hpp>
#include <bitgauge/version.hpp>
