#pragma once

// What a figure that is NaN or infinite hides.

#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/metrics/error.hpp>

#include <string>

namespace program {

/// How many elements of either side are NaN or infinite, in how many places they are the same on both, and
/// what the error of all other pairs is. Both matrices are of one shape.
std::string nonfinite_note(const bitgauge::io::tensor_file::float_matrix& original,
                           const bitgauge::io::tensor_file::float_matrix& approximation);

}  // namespace program
