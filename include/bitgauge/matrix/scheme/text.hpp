#pragma once

/// \file
/// Schemes as text: NAME[:KEY=VALUE,...], and back.

#include <bitgauge/matrix/scheme/scheme.hpp>

#include <string>
#include <string_view>

namespace bitgauge {

/// Reads NAME[:KEY=VALUE,...], such as affine:bits=4,group=128,range=mse. Blanks around names, keys and
/// values do not matter, nor does the case of NAME. NAME is a grid or a ggml type; what a text leaves open is
/// answered by named_scheme(NAME). Throws invalid_scheme with what is allowed and, where there is something
/// near, with what was probably meant: "int4: did you mean symmetric:bits=4?".
BITGAUGE_DECLARE scheme parse_scheme(std::string_view text);

/// The text of a scheme; parse_scheme(to_text(s)) == s. Keys at their default are left out.
BITGAUGE_DECLARE std::string to_text(const scheme& s);

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/scheme/text_definitions.hpp>
#endif
