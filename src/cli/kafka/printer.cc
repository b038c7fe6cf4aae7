#include "cli/kafka/printer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/settings.h"
#include "cli/kafka/text.h"

namespace myelin::cli::kafka {
namespace {

constexpr std::size_t kPendingBytesMax = 256 << 10;
constexpr std::chrono::seconds kProgressFirst{3};
constexpr std::chrono::seconds kProgressEvery{1};

bool is_terminal(std::FILE* file) { return ::isatty(::fileno(file)) == 1; }

}  // namespace

Printer::Printer(const RecordLayout& layout, std::FILE* out, std::FILE* err)
    : layout_(layout),
      out_(out),
      err_(err),
      person_reads_err_(is_terminal(err)),
      shows_progress_(person_reads_err_ && !is_terminal(out)),
      next_progress_(Steady::now() + kProgressFirst) {}

void Printer::add(const RecordView& record) {
  append_record(pending_, record, layout_);
  ++records_;
}

bool Printer::is_full() const { return pending_.size() >= kPendingBytesMax; }

Status Printer::flush() {
  if (pending_.empty()) return {};
  const bool written = std::fwrite(pending_.data(), 1, pending_.size(), out_) == pending_.size() &&
                       std::fflush(out_) == 0;
  bytes_ += pending_.size();
  pending_.clear();
  if (written) return {};
  if (errno == EPIPE) return Error(ErrorCode::Canceled, "the reader of the output has gone");
  return Error(ErrorCode::Unavailable,
               fmt::format("the output cannot be written: {}", std::strerror(errno)));
}

void Printer::note(std::string_view sentence) {
  end_progress();
  const auto line = fmt::format("myelin consume: {}\n", one_line(sentence));
  std::fwrite(line.data(), 1, line.size(), err_);
  std::fflush(err_);
}

void Printer::hint(std::string_view sentence) {
  if (person_reads_err_) note(sentence);
}

void Printer::progress() {
  if (!shows_progress_ || Steady::now() < next_progress_) return;
  next_progress_ = Steady::now() + kProgressEvery;
  fmt::print(err_, "\r{} records, {} MB ", records_, bytes_ / 1'000'000);
  std::fflush(err_);
  progress_stands_ = true;
}

void Printer::end_progress() {
  if (!progress_stands_) return;
  std::fputs("\n", err_);
  std::fflush(err_);
  progress_stands_ = false;
}

}  // namespace myelin::cli::kafka
