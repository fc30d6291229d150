# What only our own programs (tests, benchmarks, examples) are compiled with; nothing here reaches a user's target.
find_package(nlohmann_json REQUIRED)

add_library(bitgauge_development INTERFACE)
target_link_libraries(bitgauge_development INTERFACE bitgauge::bitgauge nlohmann_json::nlohmann_json)
target_compile_options(bitgauge_development INTERFACE
  $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror>)

if(BITGAUGE_OPENMP)
  find_package(OpenMP COMPONENTS CXX)
  if(OpenMP_CXX_FOUND)
    target_link_libraries(bitgauge_development INTERFACE OpenMP::OpenMP_CXX)
  endif()
endif()

# With OpenMP, and io/'s JSON library, the header check compiles what our programs compile.
if(BITGAUGE_BUILD_TESTS AND CMAKE_VERSION VERSION_GREATER_EQUAL 3.24)
  set_target_properties(bitgauge PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endif()
