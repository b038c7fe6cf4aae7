// Source: the hospital's messages one after another, each with a control id of its own.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "cli/demo/hospital.h"
#include "cli/demo/messages.h"

namespace myelin::cli::demo {

class Source {
 public:
  // Control ids begin with the time of the start, so that two runs do not share them. The clock
  // outlives the source.
  Source(std::uint64_t seed, const Clock& clock);

  DemoMessage next();
  std::size_t inpatient_count() const { return hospital_.inpatient_count(); }

 private:
  const Clock& clock_;
  Hospital hospital_;
  std::string prefix_;  // "DMB3K9X2A-", at most 20 bytes with the number (MSH-10).
  std::uint64_t number_ = 0;
};

}  // namespace myelin::cli::demo
