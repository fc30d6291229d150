#pragma once

// What the command line says of a plan.

#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/model/calibration_source.hpp>
#include <bitgauge/model/importance_source.hpp>
#include <bitgauge/model/plan.hpp>
#include <bitgauge/model/rule.hpp>

#include "commands.hpp"

#include <vector>

namespace program {

/// Decides what becomes of each tensor of `file`. Sources may be null; `defaults` count where the options say nothing. Throws invalid_scheme for a text that
/// is no regular expression, no REGEX=first|last, no list of ggml types; data_error for a pattern that was
/// given for something and matches no tensor: a mistyped name would change nothing in silence.
bitgauge::quantization_plan plan_of(const bitgauge::io::tensor_file& file, const quantize_options& options,
                                    const bitgauge::scheme& scheme,
                                    const bitgauge::calibration_source* calibration,
                                    const bitgauge::importance_source* importance,
                                    std::vector<bitgauge::rule> defaults = {});

}  // namespace program
