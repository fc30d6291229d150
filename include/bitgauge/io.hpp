#pragma once

/// \file
/// The file formats; they need nlohmann-json.

#include <bitgauge/io/gguf.hpp>
#include <bitgauge/io/gguf/imatrix.hpp>
#include <bitgauge/io/load.hpp>
#include <bitgauge/io/model/calibration_file.hpp>
#include <bitgauge/io/model/importance_file.hpp>
#include <bitgauge/io/model/report_json.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/io/safetensors.hpp>
#include <bitgauge/io/safetensors/quantized.hpp>
#include <bitgauge/io/save.hpp>
#include <bitgauge/io/tensor_file.hpp>
