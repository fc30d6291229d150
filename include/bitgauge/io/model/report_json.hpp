#pragma once

/// \file
/// Reports as JSON.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/report.hpp>

#include <nlohmann/json.hpp>

#include <vector>

namespace bitgauge::io {

/// The reports of tensors as a JSON array. Figures that are no finite numbers are null; where that is not
/// because there is no error (sqnr_db and gap_db then), a note says which value it is, such as "mse: NaN".
BITGAUGE_DECLARE nlohmann::ordered_json report_json(const std::vector<tensor_report>& rows);

}  // namespace bitgauge::io

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/io/model/report_json_definitions.hpp>
#endif
