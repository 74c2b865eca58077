# Debian's libraries that belay stands on. A new one needs a line here and in scripts/packages.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(BELAY_LIBS REQUIRED IMPORTED_TARGET
  libpq libarchive libzstd inih jansson libxxhash libcrypto libcurl)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
find_library(PG_QUERY_LIBRARY pg_query)
