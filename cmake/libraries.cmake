# Debian's libraries that belay stands on. A new one needs a line here and in scripts/packages.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(BELAY_LIBS REQUIRED IMPORTED_TARGET
  libpq libzstd inih jansson libxxhash libcrypto)

# Those that only some commands use are loaded when they are needed (src/util/library.h): by the name that a linked
# program would ask for.
pkg_check_modules(BELAY_LOADED REQUIRED libarchive libcurl libsodium libssh2)
foreach(name archive curl sodium ssh2)
  find_library(BELAY_LIB_${name} ${name} REQUIRED)
  execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${BELAY_LIB_${name}} OUTPUT_VARIABLE headers COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCH "SONAME +([^ \n]+)" found "${headers}")
  if(NOT found)
    message(FATAL_ERROR "${BELAY_LIB_${name}} has no soname")
  endif()
  string(TOUPPER BELAY_SONAME_LIB${name} macro)
  list(APPEND BELAY_SONAMES ${macro}="${CMAKE_MATCH_1}")
endforeach()
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
find_library(PG_QUERY_LIBRARY pg_query)
