# Every header compiled as if alone, and again, with all warnings: it includes what it uses and may be included twice. All
# together are compiled as well: no two contradict each other. A header that another one reaches shares its unit, which costs a
# fourth of a unit each; see header_chains.awk. Units are chosen when CMake runs. CMake's own VERIFY_INTERFACE_HEADER_SETS would
# need 3.24, and the JSON library that io/ uses among the requirements of bitgauge itself.
set(header_paths "")
foreach(header IN LISTS bitgauge_headers)
  file(RELATIVE_PATH header ${PROJECT_SOURCE_DIR}/include ${header})
  list(APPEND header_paths ${header})
endforeach()
find_program(BITGAUGE_AWK awk)
if(BITGAUGE_AWK)
  execute_process(COMMAND ${BITGAUGE_AWK} -f ${CMAKE_CURRENT_LIST_DIR}/header_chains.awk ${header_paths}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/include OUTPUT_VARIABLE header_chains OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" header_chains "${header_chains}")
else()
  set(header_chains ${header_paths})
endif()

list(TRANSFORM header_paths REPLACE "(.+)" "#include <\\1>\n" OUTPUT_VARIABLE all_includes)
list(JOIN all_includes "" all_includes)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/header_alone/together.cpp CONTENT "${all_includes}${all_includes}")
set(bitgauge_header_units "")
foreach(chain IN LISTS header_chains)
  string(REPLACE " " ";" chain "${chain}")
  list(TRANSFORM chain REPLACE "(.+)" "#include <\\1>\n" OUTPUT_VARIABLE includes)
  list(JOIN includes "" includes)
  list(GET chain -1 unit)
  string(REGEX REPLACE "hpp$" "cpp" unit ${PROJECT_BINARY_DIR}/header_alone/${unit})
  file(CONFIGURE OUTPUT ${unit} CONTENT "${includes}${includes}")
  list(APPEND bitgauge_header_units ${unit})
endforeach()

# Together they bring their definitions, as users have them; alone not, which halves the time: these have units of their own.
# Templates are instantiated, so that their faults show, and not written out, which halves it once more.
# -Wsign-conversion is not among our flags, but among those of users who include by -I.
add_library(bitgauge_headers_together OBJECT ${PROJECT_BINARY_DIR}/header_alone/together.cpp)
add_library(bitgauge_headers_alone OBJECT ${bitgauge_header_units})
target_compile_definitions(bitgauge_headers_alone PRIVATE BITGAUGE_COMPILED)
foreach(headers IN ITEMS bitgauge_headers_together bitgauge_headers_alone)
  target_link_libraries(${headers} PRIVATE bitgauge_development)
  target_compile_options(${headers} PRIVATE -O0 -g0 -Wsign-conversion
    "$<$<CXX_COMPILER_ID:GNU>:-fno-implicit-templates;-fno-implicit-inline-templates>")
endforeach()
# What every header has by base/config.hpp is read once.
target_precompile_headers(bitgauge_headers_alone PRIVATE <Eigen/Core>)
