# What only our own programs (tests, benchmarks, examples) are compiled with; nothing here reaches a user's target.

# bitgauge_require(<package> <where it comes from> <option>...): finds what our own programs need, or says what to do without it.
function(bitgauge_require package source)
  find_package(${package} QUIET)
  if(NOT ${package}_FOUND)
    list(JOIN ARGN "=OFF -D" switches)
    message(FATAL_ERROR "bitgauge: ${package} was not found. Install it (${source}), set ${package}_DIR to where it is, or "
      "leave out what needs it: -D${switches}=OFF. The library itself needs Eigen alone.")
  endif()
endfunction()

bitgauge_require(nlohmann_json "Debian: nlohmann-json3-dev"
  BITGAUGE_BUILD_TESTS BITGAUGE_BUILD_BENCHMARKS BITGAUGE_BUILD_EXAMPLES)

if(bitgauge_top_level AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)

find_program(BITGAUGE_CCACHE ccache DOC "Compiler cache for our own programs; empty for none")
if(BITGAUGE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${BITGAUGE_CCACHE})
endif()

set(bitgauge_launcher "${CMAKE_CXX_COMPILER_LAUNCHER}")  # for tests that call compilers themselves
# ccache takes precompiled headers only where it may trust their time stamps.
if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache$")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CMAKE_CXX_COMPILER_LAUNCHER})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  endif()
endif()

set(bitgauge_warnings -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
# GCC 12 reports overlapping copies inside std::string that cannot happen (gcc.gnu.org/bugzilla 105651).
list(APPEND bitgauge_warnings $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
add_library(bitgauge_development INTERFACE)
target_link_libraries(bitgauge_development INTERFACE bitgauge::bitgauge nlohmann_json::nlohmann_json)
target_compile_options(bitgauge_development INTERFACE
  "$<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:${bitgauge_warnings}>")

# GCC collects garbage from 128 MiB on, again and again: a tenth of the time of a unit that takes 500.
set(bitgauge_gcc_heap --param=ggc-min-heapsize=524288)  # for tests that call GCC themselves, too
add_compile_options("$<$<CXX_COMPILER_ID:GNU>:${bitgauge_gcc_heap}>")

if(BITGAUGE_OPENMP)
  find_package(OpenMP COMPONENTS CXX)
  if(OpenMP_CXX_FOUND)
    target_link_libraries(bitgauge_development INTERFACE OpenMP::OpenMP_CXX)
  endif()
endif()
