// Language models of the llama architecture.

#include <bitgauge/model/llama/block_definitions.hpp>
#include <bitgauge/model/llama/calibration/quantize_definitions.hpp>
#include <bitgauge/model/llama/calibration/sensitivity_definitions.hpp>
#include <bitgauge/model/llama/load_definitions.hpp>
#include <bitgauge/model/llama/projection_definitions.hpp>
#include <bitgauge/model/perplexity_definitions.hpp>
