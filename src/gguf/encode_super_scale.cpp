#include "formats.hpp"

namespace bitgauge::gguf::detail {

BITGAUGE_ENCODERS_SUPER_SCALE(template)

}  // namespace bitgauge::gguf::detail
