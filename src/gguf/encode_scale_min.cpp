#include "formats.hpp"

namespace bitgauge::gguf::detail {

BITGAUGE_ENCODERS_SCALE_MIN(template)

}  // namespace bitgauge::gguf::detail
