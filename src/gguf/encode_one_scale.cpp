#include "formats.hpp"

namespace bitgauge::gguf::detail {

BITGAUGE_ENCODERS_ONE_SCALE(template)

}  // namespace bitgauge::gguf::detail
