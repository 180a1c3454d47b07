# SPDX-License-Identifier: LGPL-2.1-or-later
# Target PkgConfig::EDITLINE where MULTIMS_EDITLINE is ON and libedit (BSD licence) is there: the console
# edits its lines with it, and reads plain ones without.
if(NOT MULTIMS_EDITLINE)
  return()
endif()

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(EDITLINE QUIET IMPORTED_TARGET libedit)
endif()
if(NOT TARGET PkgConfig::EDITLINE)
  message(STATUS "No libedit (apt-get install pkg-config libedit-dev): multims console reads plain lines")
endif()
