// Runs a fuzz target over stored inputs, so that what a fuzzer once found stays a test in every
// build.
//
// Usage: PROGRAM [FOLDER|FILE]…   Folders are read in the order of their names, after the empty
// input. A missing folder is none to replay, not a failure: a new target has no corpus yet. The
// number replayed is printed, so that it shows.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> collect(const fs::path& from) {
  std::vector<fs::path> found;
  if (fs::is_regular_file(from)) found.push_back(from);
  if (fs::is_directory(from)) {
    for (const auto& entry : fs::recursive_directory_iterator(from)) {
      if (entry.is_regular_file()) found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// A copy of exactly its size, so that the sanitizer sees a read past the end.
void replay(const std::vector<char>& input) {
  const std::vector<std::uint8_t> exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

bool replay_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> input{std::istreambuf_iterator<char>(file), {}};
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  // Named before it runs: a crash leaves the culprit as the last line.
  std::fprintf(stderr, "input %s\n", path.c_str());
  replay(input);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  replay({});
  std::size_t replayed = 0;
  for (int i = 1; i < argc; ++i) {
    if (!fs::exists(argv[i])) std::printf("no such folder: %s\n", argv[i]);
    for (const auto& path : collect(argv[i])) {
      if (!replay_file(path)) return 1;
      ++replayed;
    }
  }
  std::printf("replayed %zu inputs and the empty one\n", replayed);
  return 0;
}
