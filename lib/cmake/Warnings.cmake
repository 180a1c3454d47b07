# SPDX-License-Identifier: LGPL-2.1-or-later
# Warning and sanitizer flags of our own code; third-party headers come as SYSTEM.
add_library(multims_flags INTERFACE)
target_compile_options(multims_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
  # Clang's -Wconversion has it in C++ too, where casacore mixes Int and uInt
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-sign-conversion>)
target_compile_definitions(multims_flags INTERFACE _GNU_SOURCE)
if(MULTIMS_WERROR)
  target_compile_options(multims_flags INTERFACE -Werror)
endif()
if(MULTIMS_SANITIZE STREQUAL "thread")
  set(sanitizers -fsanitize=thread)
elseif(MULTIMS_SANITIZE)
  # Clang's C driver does not link what vptr and function need of the C++ runtime
  set(sanitizers -fsanitize=address,undefined $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=vptr,function>)
endif()
if(MULTIMS_SANITIZE)
  target_compile_options(multims_flags INTERFACE ${sanitizers} -fno-omit-frame-pointer)
  target_link_options(multims_flags INTERFACE ${sanitizers})
endif()
if(MULTIMS_FUZZ)
  target_compile_options(multims_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(multims_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
