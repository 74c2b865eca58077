# Compiler flags that every target of belay's own gets, as one interface library.
add_library(belay_flags INTERFACE)
target_compile_options(belay_flags INTERFACE
  -Wall -Wextra -Wconversion -Wformat=2 -Wvla -Wmissing-prototypes -Wshadow -Wstrict-prototypes -Wno-format-truncation
  -include ${CMAKE_SOURCE_DIR}/src/util/banned.h
  -fno-common -fstack-protector-strong -fno-omit-frame-pointer)
target_compile_definitions(belay_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
if(BELAY_WERROR)
  target_compile_options(belay_flags INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" OR CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(belay_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(BELAY_SANITIZE)
  target_compile_options(belay_flags INTERFACE -fsanitize=${BELAY_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(belay_flags INTERFACE -fsanitize=${BELAY_SANITIZE})
endif()
# The library itself tells the fuzzer which way it went; only the fuzz targets link the fuzzer's main.
if(BELAY_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "BELAY_FUZZ needs clang: CC=clang cmake --preset fuzz")
  endif()
  target_compile_options(belay_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(belay_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(BELAY_COVERAGE)
  target_compile_options(belay_flags INTERFACE --coverage)
  target_link_options(belay_flags INTERFACE --coverage)
endif()
