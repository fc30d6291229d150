#include <bitgauge/gguf/rows/encode_row_definitions.hpp>

#include "formats.hpp"

namespace bitgauge::gguf::detail {

BITGAUGE_ENCODERS_ONE_SCALE(extern template)
BITGAUGE_ENCODERS_SCALE_MIN(extern template)
BITGAUGE_ENCODERS_SUPER_SCALE_MIN(extern template)
BITGAUGE_ENCODERS_SUPER_SCALE(extern template)
BITGAUGE_ENCODERS_CODEBOOK(extern template)

}  // namespace bitgauge::gguf::detail
