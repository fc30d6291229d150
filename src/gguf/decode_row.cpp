#include <bitgauge/gguf/decode_row_definitions.hpp>
