#pragma once

/// \file
/// The whole library but its file formats, which need a JSON library and have <bitgauge/io.hpp>.

#include <bitgauge/bitsandbytes/conversion.hpp>
#include <bitgauge/bitsandbytes/tensor_4bit.hpp>
#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/kernel/reference.hpp>
#include <bitgauge/layer/make_activation_quantizer.hpp>
#include <bitgauge/matrix/bias.hpp>
#include <bitgauge/matrix/from_codes.hpp>
#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/packing/autogptq.hpp>
#include <bitgauge/packing/awq.hpp>
#include <bitgauge/packing/hqq.hpp>
#include <bitgauge/packing/llm_awq.hpp>
#include <bitgauge/packing/quanto.hpp>
#include <bitgauge/range/calibrators/nvidia.hpp>
#include <bitgauge/range/calibrators/onnx_runtime.hpp>
#include <bitgauge/range/calibrators/torch.hpp>
#include <bitgauge/range/given.hpp>
#include <bitgauge/range/hqq.hpp>
#include <bitgauge/range/observer/histogram_observer.hpp>
#include <bitgauge/range/observer/minmax.hpp>
#include <bitgauge/range/observer/moving_average.hpp>
#include <bitgauge/version.hpp>
