# SPDX-License-Identifier: LGPL-2.1-or-later
# Finds jansson: target Jansson::Jansson.
find_path(Jansson_INCLUDE_DIR jansson.h)
find_library(Jansson_LIBRARY jansson)
if(Jansson_INCLUDE_DIR)
  file(STRINGS ${Jansson_INCLUDE_DIR}/jansson.h line REGEX "define JANSSON_VERSION ")
  string(REGEX MATCH "[0-9]+\\.[0-9.]+" Jansson_VERSION "${line}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Jansson REQUIRED_VARS Jansson_INCLUDE_DIR Jansson_LIBRARY
  VERSION_VAR Jansson_VERSION
  REASON_FAILURE_MESSAGE "install it with: apt-get install libjansson-dev")
if(Jansson_FOUND AND NOT TARGET Jansson::Jansson)
  add_library(Jansson::Jansson INTERFACE IMPORTED)
  target_include_directories(Jansson::Jansson SYSTEM INTERFACE ${Jansson_INCLUDE_DIR})
  target_link_libraries(Jansson::Jansson INTERFACE ${Jansson_LIBRARY})
endif()
mark_as_advanced(Jansson_INCLUDE_DIR Jansson_LIBRARY)
