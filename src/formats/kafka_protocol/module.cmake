# Messages that Apache Kafka's own classes wrote; tests/clients makes them again and compares.
set_source_files_properties(${dir}/codec_test.cc PROPERTIES
  COMPILE_DEFINITIONS MYELIN_TESTDATA="${dir}/testdata")
