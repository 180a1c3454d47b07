# SPDX-License-Identifier: LGPL-2.1-or-later
# The package for find_package(multims): target multims::multims.  It finds its files from its own
# place, so that an installation can be moved.  A static library has its users link casacore and the
# C++ library, whether or not they know C++.
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/multims)
set(MULTIMS_IS_STATIC FALSE)
set(package_modules cmake/FindJansson.cmake)
if(NOT BUILD_SHARED_LIBS)
  set(MULTIMS_IS_STATIC TRUE)
  list(APPEND package_modules cmake/FindCasacore.cmake)
endif()
configure_package_config_file(cmake/multimsConfig.cmake.in multimsConfig.cmake
  INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(multimsConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT multims NAMESPACE multims:: FILE multimsTargets.cmake DESTINATION ${package})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/multimsConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/multimsConfigVersion.cmake ${package_modules} DESTINATION ${package})
