# The codecs of compressed batches. Debian's liblz4-dev brings no CMake package.
find_package(ZLIB REQUIRED)
find_package(Snappy REQUIRED)
find_package(zstd REQUIRED)
find_path(LZ4_INCLUDE lz4frame.h REQUIRED)
find_library(LZ4_LIBRARY lz4 REQUIRED)
target_include_directories(myelin_formats_kafka PRIVATE ${LZ4_INCLUDE})
target_link_libraries(myelin_formats_kafka PRIVATE ZLIB::ZLIB Snappy::snappy zstd::libzstd_shared ${LZ4_LIBRARY})
