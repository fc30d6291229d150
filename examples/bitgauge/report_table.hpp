#pragma once

// A report as a table.

#include "report.hpp"
#include "table.hpp"

#include <vector>

namespace program {

/// The report as columns of cells, one row for each tensor and, where there is one, for the total. Notes are
/// the last column.
std::vector<table_column> columns_of(const std::vector<tensor_report>& rows);

}  // namespace program
