// Printer: records to standard output, notes and progress to standard error.
//
// Bytes are held back until flush(), so that thousands of records are one write; what flush()
// returned without error is with the kernel. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/kafka/record.h"

namespace myelin::cli::kafka {

class Printer {
 public:
  Printer(const RecordLayout& layout, std::FILE* out, std::FILE* err);

  void add(const RecordView& record);
  bool is_full() const;
  // Canceled when the reader has gone (`| head`); Unavailable when it cannot be written.
  Status flush();

  // One line, over the progress.
  void note(std::string_view sentence);
  // For a person only: when standard error is a terminal.
  void hint(std::string_view sentence);
  // Now and then a count, when standard error is a terminal and the records go elsewhere.
  void progress();
  // Leaves the count as a line of its own.
  void end_progress();

  std::uint64_t records() const { return records_; }

 private:
  using Steady = std::chrono::steady_clock;

  const RecordLayout layout_;
  std::FILE* const out_;
  std::FILE* const err_;
  const bool person_reads_err_;
  const bool shows_progress_;
  std::string pending_;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
  bool progress_stands_ = false;
  Steady::time_point next_progress_;
};

}  // namespace myelin::cli::kafka
