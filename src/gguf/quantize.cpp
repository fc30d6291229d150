#include <bitgauge/gguf/block_matrix_definitions.hpp>
#include <bitgauge/gguf/feedback_definitions.hpp>
#include <bitgauge/gguf/quantize_definitions.hpp>
