# The pages built into the library: console/dist, or the page that says how to build it.

find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(console_pages ${CMAKE_SOURCE_DIR}/console/dist)
# Seen at each build: the names of built pages change with what is in them.
file(GLOB_RECURSE console_files CONFIGURE_DEPENDS ${console_pages}/*)
if(NOT ${console_pages}/index.html IN_LIST console_files)
  set(console_pages ${dir}/fallback)
  set(console_files ${console_pages}/index.html)
endif()
set(console_source ${CMAKE_BINARY_DIR}/generated/servers_console_assets.cc)
add_custom_command(
  OUTPUT ${console_source}
  COMMAND Python3::Interpreter ${dir}/embed.py ${console_pages} ${console_source}
  DEPENDS ${dir}/embed.py ${console_files}
  COMMENT "Embedding the console"
  VERBATIM)
# A page is one literal, however long.
set_source_files_properties(${console_source} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
target_sources(myelin_${name} PRIVATE ${console_source})
