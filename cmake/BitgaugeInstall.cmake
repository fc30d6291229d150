include(CMakePackageConfigHelpers)
set(bitgauge_cmake_dir ${CMAKE_INSTALL_DATADIR}/cmake/bitgauge)

if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.23)
  install(TARGETS bitgauge EXPORT bitgauge FILE_SET HEADERS)
else()
  install(TARGETS bitgauge EXPORT bitgauge)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/bitgauge DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endif()
unset(bitgauge_any_architecture)
if(BITGAUGE_BUILD_COMPILED)
  install(TARGETS bitgauge_compiled EXPORT bitgauge)
else()
  set(bitgauge_any_architecture ARCH_INDEPENDENT)
endif()
install(EXPORT bitgauge NAMESPACE bitgauge:: FILE bitgauge-targets.cmake DESTINATION ${bitgauge_cmake_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/bitgauge-config.cmake.in
  ${PROJECT_BINARY_DIR}/bitgauge-config.cmake INSTALL_DESTINATION ${bitgauge_cmake_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/bitgauge-config-version.cmake
  COMPATIBILITY SameMinorVersion ${bitgauge_any_architecture})
install(FILES ${PROJECT_BINARY_DIR}/bitgauge-config.cmake ${PROJECT_BINARY_DIR}/bitgauge-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/BitgaugeEigen.cmake DESTINATION ${bitgauge_cmake_dir})

# As system headers; but -isystem /usr/include would hide the C library's headers from the C++ library's.
set(bitgauge_include_flag "-isystem ")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(bitgauge_include_flag "-I")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/bitgauge.pc.in ${PROJECT_BINARY_DIR}/bitgauge.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/bitgauge.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
