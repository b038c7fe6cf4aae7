# Debian's librdkafka-dev brings no CMake package.
find_path(RDKAFKA_INCLUDE librdkafka/rdkafka.h REQUIRED)
find_library(RDKAFKA_LIBRARY rdkafka REQUIRED)
target_include_directories(myelin_cli_kafka PUBLIC ${RDKAFKA_INCLUDE})
target_link_libraries(myelin_cli_kafka PUBLIC ${RDKAFKA_LIBRARY})
