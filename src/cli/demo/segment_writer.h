// SegmentWriter: one HL7 segment, field by field, appended to a message.
//
//   SegmentWriter(out, "PID").at(1, "1").at(5, {"Testwood", "Nova"});
//
// Fields are given in rising order; those left out are empty. Text is escaped. The segment ends
// with the writer.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "formats/hl7v2/escape.h"

namespace myelin::cli::demo {

class SegmentWriter {
 public:
  SegmentWriter(std::string& out, std::string_view id) : out_(out) {
    out_.append(id);
    if (id == "MSH") {
      out_.append("|^~\\&");
      field_ = 2;
    }
  }
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;
  ~SegmentWriter() { out_.push_back('\r'); }

  SegmentWriter& at(std::size_t field, std::string_view text) { return at(field, {text}); }
  // Empty components at the end are left out.
  SegmentWriter& at(std::size_t field, std::initializer_list<std::string_view> components) {
    out_.append(field - field_, '|');
    field_ = field;
    std::size_t owed = 0;
    for (const std::string_view component : components) {
      if (!component.empty()) {
        out_.append(owed, '^');
        owed = 0;
        hl7v2::append_escaped(out_, component, hl7v2::Delimiters{});
      }
      ++owed;
    }
    return *this;
  }

 private:
  std::string& out_;
  std::size_t field_ = 0;
};

}  // namespace myelin::cli::demo
