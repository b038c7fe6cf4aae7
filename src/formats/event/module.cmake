find_package(simdjson REQUIRED)
target_link_libraries(myelin_formats_event PUBLIC simdjson::simdjson)
