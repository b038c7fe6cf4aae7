# Debian's librdkafka-dev brings no CMake package.
find_path(RDKAFKA_INCLUDE librdkafka/rdkafka.h REQUIRED)
find_library(RDKAFKA_LIBRARY rdkafka REQUIRED)
target_include_directories(myelin_bus PRIVATE ${RDKAFKA_INCLUDE})
target_link_libraries(myelin_bus PRIVATE ${RDKAFKA_LIBRARY})
# A program that never makes a Kafka bus takes none of those object files, and need not load the library either.
target_link_options(myelin_bus INTERFACE LINKER:--as-needed)
