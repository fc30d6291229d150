// Which values blocks of ggml can represent.

#include <bitgauge/training/block_range_definitions.hpp>
