# RE2, for the program's --include and its like: searches without backtracking. Debian's package has no CMake file.
find_package(re2 CONFIG QUIET)
if(NOT TARGET re2::re2)
  find_path(BITGAUGE_RE2_INCLUDE_DIR re2/re2.h)
  find_library(BITGAUGE_RE2_LIBRARY re2)
  if(NOT BITGAUGE_RE2_INCLUDE_DIR OR NOT BITGAUGE_RE2_LIBRARY)
    message(FATAL_ERROR "The program needs RE2 for --include and --exclude and found none. Install it (Debian: libre2-dev; \
Homebrew and vcpkg: re2), or build without it: -DBITGAUGE_BUILD_EXAMPLES=OFF.")
  endif()
  find_package(Threads REQUIRED)
  add_library(re2::re2 UNKNOWN IMPORTED)
  set_target_properties(re2::re2 PROPERTIES IMPORTED_LOCATION "${BITGAUGE_RE2_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${BITGAUGE_RE2_INCLUDE_DIR}" INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
