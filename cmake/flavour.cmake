# Compiler, flags and sanitizers. MYELIN_FLAVOUR is one of dev, asan, tsan, fuzz, release (see CMakePresets.json).

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Myelin builds with clang 19 or newer, not ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}: g++ 12 "
    "miscompiles coroutines that wait on temporaries, and the program would crash at run time. Use ./dev build, or a "
    "preset of CMakePresets.json.")
endif()

set(MYELIN_FLAVOUR dev CACHE STRING "dev, asan, tsan, fuzz or release")
set_property(CACHE MYELIN_FLAVOUR PROPERTY STRINGS dev asan tsan fuzz release)
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_BUILD_TYPE "" CACHE STRING "" FORCE)  # The flavour says it all.

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wthread-safety
  -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wunused -Wimplicit-fallthrough
  -fPIE  # Said once for all: CMake would say -fPIC for libraries, and they could not share a precompiled header.
  -fno-omit-frame-pointer -Xclang -fno-pch-timestamp
  # A failed check names src/log/frame.cc, not where somebody's machine keeps it.
  -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
add_link_options(-fuse-ld=lld -pie)
# Asio uses its own exceptions and threads; Boost's headers are not ours to warn about.
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION)

if(MYELIN_FLAVOUR STREQUAL "release")
  add_compile_options(-O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong)
  add_link_options(-Wl,-z,relro,-z,now)
elseif(MYELIN_FLAVOUR STREQUAL "dev")
  add_compile_options(-O0 -g1)
elseif(MYELIN_FLAVOUR STREQUAL "asan")
  add_compile_options(-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=address,undefined)
elseif(MYELIN_FLAVOUR STREQUAL "tsan")
  add_compile_options(-O1 -g1 -fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(MYELIN_FLAVOUR STREQUAL "fuzz")
  # Every library takes part in the coverage, or the fuzzer runs blind.
  add_compile_options(-O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
else()
  message(FATAL_ERROR "MYELIN_FLAVOUR is ${MYELIN_FLAVOUR}: expected dev, asan, tsan, fuzz or release")
endif()
