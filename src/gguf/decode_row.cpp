#include <bitgauge/gguf/rows/decode_row_definitions.hpp>
