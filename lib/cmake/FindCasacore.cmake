# SPDX-License-Identifier: LGPL-2.1-or-later
# Finds casacore by its headers and libraries: target Casacore::Casacore, Casacore_VERSION.
find_path(Casacore_INCLUDE_DIR casacore/casa/version.h)
set(Casacore_LIBRARIES)
foreach(component ${Casacore_FIND_COMPONENTS})
  find_library(Casacore_${component}_LIBRARY casa_${component})
  if(Casacore_${component}_LIBRARY)
    list(APPEND Casacore_LIBRARIES ${Casacore_${component}_LIBRARY})
    set(Casacore_${component}_FOUND TRUE)
  endif()
endforeach()
if(Casacore_INCLUDE_DIR)
  file(STRINGS ${Casacore_INCLUDE_DIR}/casacore/casa/version.h line REGEX "define CASACORE_VERSION ")
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" Casacore_VERSION "${line}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Casacore
  REQUIRED_VARS Casacore_INCLUDE_DIR Casacore_LIBRARIES
  VERSION_VAR Casacore_VERSION HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "install it with: apt-get install casacore-dev")
if(Casacore_FOUND AND NOT TARGET Casacore::Casacore)
  add_library(Casacore::Casacore INTERFACE IMPORTED)
  target_include_directories(Casacore::Casacore SYSTEM INTERFACE
    ${Casacore_INCLUDE_DIR} ${Casacore_INCLUDE_DIR}/casacore)
  target_link_libraries(Casacore::Casacore INTERFACE ${Casacore_LIBRARIES})
  add_library(Casacore::Tables INTERFACE IMPORTED) # tables alone
  target_include_directories(Casacore::Tables SYSTEM INTERFACE
    ${Casacore_INCLUDE_DIR} ${Casacore_INCLUDE_DIR}/casacore)
  target_link_libraries(Casacore::Tables INTERFACE ${Casacore_tables_LIBRARY} ${Casacore_casa_LIBRARY})
endif()
mark_as_advanced(Casacore_INCLUDE_DIR)
