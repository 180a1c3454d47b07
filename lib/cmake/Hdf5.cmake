# SPDX-License-Identifier: LGPL-2.1-or-later
# Target multims_hdf5_needs (HDF5 of any flavour, and liberfa) where MULTIMS_HDF5 is ON and both are there;
# MULTIMS_HDF5_NAME, as "HDF5 1.10.8" or "without HDF5".
set(MULTIMS_HDF5_NAME "without HDF5")
if(NOT MULTIMS_HDF5)
  return()
endif()

find_package(HDF5 1.10.5 COMPONENTS C QUIET)
find_package(ZLIB QUIET) # which HDF5 needs, too
find_package(Threads REQUIRED)
find_path(ERFA_INCLUDE_DIR erfa.h)
find_library(ERFA_LIBRARY erfa)
mark_as_advanced(ERFA_INCLUDE_DIR ERFA_LIBRARY)
if(NOT HDF5_FOUND OR NOT ZLIB_FOUND OR NOT ERFA_INCLUDE_DIR OR NOT ERFA_LIBRARY)
  message(STATUS "No HDF5, zlib or liberfa (apt-get install libhdf5-dev zlib1g-dev liberfa-dev): UVH5 verbs will say so")
  return()
endif()
set(MULTIMS_HDF5_NAME "HDF5 ${HDF5_VERSION}")
add_library(multims_hdf5_needs INTERFACE)
target_include_directories(multims_hdf5_needs SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS} ${ERFA_INCLUDE_DIR})
target_link_libraries(multims_hdf5_needs INTERFACE ${HDF5_C_LIBRARIES} ${ERFA_LIBRARY} ZLIB::ZLIB Threads::Threads m)
