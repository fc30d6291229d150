# The library: an interface target, with its headers as a file set where CMake knows those (3.23).
include(GNUInstallDirs)
if(bitgauge_eigen_missing)
  message(FATAL_ERROR "${bitgauge_eigen_missing}")
endif()

file(GLOB_RECURSE bitgauge_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/*.hpp)
add_library(bitgauge INTERFACE)
add_library(bitgauge::bitgauge ALIAS bitgauge)
target_compile_features(bitgauge INTERFACE cxx_std_20)
target_link_libraries(bitgauge INTERFACE Eigen3::Eigen)
if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.23)
  target_sources(bitgauge INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${bitgauge_headers})
else()
  target_include_directories(bitgauge INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endif()
# In a project of someone else's our headers are system headers, as they are after an install: their flags are not ours.
if(NOT bitgauge_top_level)
  target_include_directories(bitgauge SYSTEM INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
endif()
