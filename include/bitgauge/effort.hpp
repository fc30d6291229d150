#pragma once

/// \file
/// How hard a search tries.

#include <cstdint>

namespace bitgauge {

/// The effort of every searching answer: ranges, block encoders, error feedback. Each documents what a level
/// costs and gains. `reference` exists where a foreign system's bytes are reproduced. Texts call `normal` what it is,
/// "default", which C++ keeps for itself.
enum class effort : std::uint8_t { reference, fast, normal, best };

}  // namespace bitgauge
