# Every header compiled alone, twice over, with all warnings: it includes what it uses and may be included again. All together
# are compiled as well: no two contradict each other. CMake's own VERIFY_INTERFACE_HEADER_SETS would need 3.24, and the JSON
# library that io/ uses among the requirements of bitgauge itself.
set(bitgauge_header_units ${PROJECT_BINARY_DIR}/header_alone/all_together.cpp)
set(all_includes "")
foreach(header IN LISTS bitgauge_headers)
  file(RELATIVE_PATH header ${PROJECT_SOURCE_DIR}/include ${header})
  string(REGEX REPLACE "hpp$" "cpp" unit ${PROJECT_BINARY_DIR}/header_alone/${header})
  file(CONFIGURE OUTPUT ${unit} CONTENT "#include <${header}>\n#include <${header}>\n")
  list(APPEND bitgauge_header_units ${unit})
  string(APPEND all_includes "#include <${header}>\n")
endforeach()
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/header_alone/all_together.cpp CONTENT "${all_includes}")
add_library(bitgauge_headers_alone OBJECT ${bitgauge_header_units})
target_link_libraries(bitgauge_headers_alone PRIVATE bitgauge_development)
target_compile_options(bitgauge_headers_alone PRIVATE -O0 -g0)
# What every header has by base/config.hpp is read once.
target_precompile_headers(bitgauge_headers_alone PRIVATE <Eigen/Core>)
