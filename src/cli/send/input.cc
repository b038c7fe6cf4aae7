#include "cli/send/input.h"

#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace myelin::cli::send {

namespace {

constexpr std::size_t kReadBytes = 256u << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Error cannot_read(const std::string& name, int error) {
  if (error == ENOENT) return Error(ErrorCode::NotFound, name + ": there is no such file");
  const auto code = error == EACCES ? ErrorCode::Forbidden : ErrorCode::InvalidInput;
  return Error(code, name + ": cannot be read: " + std::generic_category().message(error));
}

Result<std::string> read_all(const std::string& name, std::FILE* file, std::size_t bytes_max) {
  std::string bytes;
  for (;;) {
    const std::size_t before = bytes.size();
    bytes.resize(before + kReadBytes);
    const std::size_t count = std::fread(bytes.data() + before, 1, kReadBytes, file);
    bytes.resize(before + count);
    if (std::ferror(file) != 0) return cannot_read(name, errno);
    if (bytes.size() > bytes_max)
      return Error(ErrorCode::Exhausted,
                   name + ": more than 1 GiB in all; send the files one after another");
    if (count == 0) return bytes;
  }
}

Result<std::string> read_file(const std::string& name, std::size_t bytes_max) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(name.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) return cannot_read(name, errno);
  struct stat facts{};
  if (::fstat(::fileno(file.get()), &facts) == 0 && S_ISDIR(facts.st_mode))
    return cannot_read(name, EISDIR);
  return read_all(name, file.get(), bytes_max);
}

}  // namespace

void add_messages(std::string_view name, std::string_view bytes, hl7v2::LineEnds line_ends,
                  Input& input) {
  auto split = hl7v2::split_messages(bytes, line_ends);
  if (split.messages.empty()) {
    ++input.empty_files;
    input.notes.push_back(std::string(name) + ": holds no HL7 message: no line begins with MSH");
    return;
  }
  if (line_ends == hl7v2::LineEnds::AsIs && bytes.starts_with(kByteOrderMark) &&
      bytes.substr(kByteOrderMark.size()).starts_with("MSH"))
    split.messages.front().insert(0, kByteOrderMark);
  if (split.skipped_bytes > 0)
    input.notes.push_back(std::string(name) + ": " + std::to_string(split.skipped_bytes) +
                          " bytes before the first MSH are left out");
  const bool many = split.messages.size() > 1;
  std::size_t number = 0;
  for (std::string& message : split.messages) {
    ++number;
    input.messages.push_back(
        {std::string(name) + (many ? "#" + std::to_string(number) : std::string()),
         std::move(message)});
  }
}

Result<Input> read_input(const Options& options, std::FILE* in) {
  Input input;
  std::size_t left = kInputBytesMax;
  for (const std::string& name : options.files) {
    const bool standard = name == "-";
    const std::string shown = standard ? "standard input" : name;
    MYELIN_TRY(bytes, standard ? read_all(shown, in, left) : read_file(name, left));
    left -= bytes.size();
    add_messages(shown, bytes, options.line_ends, input);
  }
  if (input.messages.empty())
    return Error(ErrorCode::InvalidInput, input.notes.front() + "; there is nothing to send");
  return input;
}

}  // namespace myelin::cli::send
