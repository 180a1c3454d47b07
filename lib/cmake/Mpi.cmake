# SPDX-License-Identifier: LGPL-2.1-or-later
# Target MPI::MPI_C where MULTIMS_MPI is ON; MULTIMS_MPI_NAME, as "Open MPI v4.1.4" or "without MPI".
set(MULTIMS_MPI_NAME "without MPI")
if(NOT MULTIMS_MPI)
  return()
endif()

set(MPI_DETERMINE_LIBRARY_VERSION ON)
find_package(MPI 3.1 COMPONENTS C)
if(NOT MPI_C_FOUND)
  message(FATAL_ERROR "No MPI 3.1: install it with apt-get install libopenmpi-dev openmpi-bin, name its "
    "compiler with -DMPI_C_COMPILER=…, or build without it: -DMULTIMS_MPI=OFF")
endif()
# "Open MPI v4.1.4, package: …"; MPICH tells its version on the first line of several
string(REGEX REPLACE "[,\r\n].*" "" MULTIMS_MPI_NAME "${MPI_C_LIBRARY_VERSION_STRING}")
string(REGEX REPLACE "[ \t]+Version:[ \t]*|[\t;\"\\]+" " " MULTIMS_MPI_NAME "${MULTIMS_MPI_NAME}")
if(NOT MULTIMS_MPI_NAME)
  set(MULTIMS_MPI_NAME "MPI ${MPI_C_VERSION}")
endif()
