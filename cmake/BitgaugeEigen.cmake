# Eigen 3.4 and 5.x are both accepted. Their version files refuse each other's numbers ("3.4" asked, 5.0 found, and
# the other way round), so Eigen is found without a version and its version is checked here.
unset(bitgauge_eigen_missing)
if(NOT TARGET Eigen3::Eigen)
  find_package(Eigen3 CONFIG QUIET)
  if(NOT TARGET Eigen3::Eigen)
    set(bitgauge_eigen_missing "bitgauge needs Eigen 3.4 or newer and found none. Install it (Debian: libeigen3-dev; \
Homebrew and vcpkg: eigen) or set Eigen3_DIR.")
  elseif(Eigen3_VERSION AND Eigen3_VERSION VERSION_LESS 3.4)
    set(bitgauge_eigen_missing "bitgauge needs Eigen 3.4 or newer and found ${Eigen3_VERSION} in ${Eigen3_DIR}.")
  endif()
endif()
