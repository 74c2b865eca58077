# Turns each src/<folder>/<file>.sql into the header <build>/generated/<folder>/<file>.sql.h.
#
# A file holds one or more queries; each begins with a line "-- query: name" and becomes
# `static const char sql_<name>[]`. Text before the first such line is commentary and is left out.
function(belay_embed_sql target folder)
  file(GLOB sql_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.sql)
  foreach(sql_file IN LISTS sql_files)
    get_filename_component(base ${sql_file} NAME)
    set(header ${CMAKE_BINARY_DIR}/generated/${folder}/${base}.h)
    add_custom_command(
      OUTPUT ${header}
      COMMAND ${CMAKE_COMMAND} -DIN=${sql_file} -DOUT=${header} -P ${CMAKE_SOURCE_DIR}/cmake/embed_sql_file.cmake
      DEPENDS ${sql_file} ${CMAKE_SOURCE_DIR}/cmake/embed_sql_file.cmake
      VERBATIM)
    target_sources(${target} PRIVATE ${header})
  endforeach()
endfunction()
