// Blocks of ggml as packed weights.

#include <bitgauge/kernel/pack/pack_blocks_definitions.hpp>
