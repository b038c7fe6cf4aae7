// What can be ordered in the simulated hospital, and what comes out of it: panels of measurements
// with LOINC codes, UCUM units and reference ranges; images with a written report.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "cli/demo/random.h"

namespace myelin::cli::demo {

// Numbers are whole multiples of the last decimal: 3.5 with one decimal is 35.
struct Analyte {
  std::string_view code;  // LOINC.
  std::string_view name;
  std::string_view unit;  // UCUM.
  std::uint8_t decimals;
  std::int32_t critical_low;  // At or below: LL. 0: there is none.
  std::int32_t low;           // The reference range, both ends in it.
  std::int32_t high;
  std::int32_t critical_high;  // At or above: HH.
};

enum class ExaminationKind : std::uint8_t { Laboratory, Imaging };

struct Examination {
  ExaminationKind kind;
  std::string_view code;  // LOINC.
  std::string_view name;
  std::string_view section;   // OBR-24, table 0074.
  std::string_view specimen;  // Table 0487; empty for images.
  std::string_view specimen_name;
  std::span<const Analyte> analytes;
};

std::span<const Examination> examinations();
// What a bedside monitor sends unasked.
const Examination& vital_signs();

struct Measurement {
  std::string value;
  std::string_view flag;  // OBX-8: N, L, H, LL, HH.
};

// Mostly in the reference range, now and then beyond, seldom critical.
Measurement measure(const Analyte& analyte, Random& random);
// "136-145".
std::string reference_range(const Analyte& analyte);

}  // namespace myelin::cli::demo
