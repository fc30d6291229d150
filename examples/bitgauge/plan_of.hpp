#pragma once

// What the command line says of a plan.

#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/matrix/trellis/trellis_scheme.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/plan/plan_options.hpp>
#include <bitgauge/model/plan/rule.hpp>

#include "commands.hpp"
#include "inputs.hpp"

#include <string>
#include <vector>

namespace program {

/// What a plan is made by.
struct plan_request {
  bitgauge::plan_options how;
  std::vector<bitgauge::rule> rules;  ///< all but what the remaining tensors become
  /// Some names stand for a grid and for a ggml type: the container decides, the output's where one is named.
  bitgauge::shared_names names = bitgauge::shared_names::grids;
};

/// What the options say, and the defaults of `inputs`. Throws invalid_scheme for a text that is no regular expression,
/// no REGEX=first|last, no list of ggml types; data_error for a pattern that was given for something and matches no
/// tensor: a mistyped name would change nothing in silence.
plan_request request_of(const model_inputs& inputs, const quantize_options& options);

/// Decides what becomes of each tensor of `file`: what no rule matches becomes what the text of --scheme says.
bitgauge::quantization_plan plan_of(const bitgauge::io::tensor_file& file, const plan_request& asked,
                                    const std::string& scheme);

/// What a budget chooses from.
struct budget_formats {
  std::vector<bitgauge::tensor_format> formats;
  std::vector<bitgauge::trellis_scheme> of_any_rate;  ///< among them, at some rate
};
/// The formats of a list such as "q2_k,affine:bits=4,group=64,q6_k"; a trellis without bits has any rate. Throws
/// invalid_scheme for what is none.
budget_formats read_formats(const std::string& list, bitgauge::shared_names names);

}  // namespace program
