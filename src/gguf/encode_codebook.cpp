#include "formats.hpp"

namespace bitgauge::gguf::detail {

BITGAUGE_ENCODERS_CODEBOOK(template)

}  // namespace bitgauge::gguf::detail
