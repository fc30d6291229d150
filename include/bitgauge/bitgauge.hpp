#pragma once

/// \file
/// The whole library but its file formats, which need a JSON library and have <bitgauge/io.hpp>.

#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/kernel/reference.hpp>
#include <bitgauge/layer/activations_of.hpp>
#include <bitgauge/matrix/bias.hpp>
#include <bitgauge/matrix/from_codes.hpp>
#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/scheme_recipe.hpp>
#include <bitgauge/metrics/error.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/nf4/conversion.hpp>
#include <bitgauge/nf4/tensor_4bit.hpp>
#include <bitgauge/packing/autogptq.hpp>
#include <bitgauge/packing/awq.hpp>
#include <bitgauge/packing/hqq.hpp>
#include <bitgauge/packing/llm_awq.hpp>
#include <bitgauge/packing/quanto.hpp>
#include <bitgauge/range/given.hpp>
#include <bitgauge/range/hqq_range.hpp>
#include <bitgauge/range/nvidia_calibration.hpp>
#include <bitgauge/range/observer_histogram.hpp>
#include <bitgauge/range/observer_minmax.hpp>
#include <bitgauge/range/observer_moving_average.hpp>
#include <bitgauge/range/onnx_runtime_calibration.hpp>
#include <bitgauge/range/torch_histogram.hpp>
#include <bitgauge/version.hpp>
