// Plans as files.

#include <bitgauge/io/model/plan_file_definitions.hpp>
