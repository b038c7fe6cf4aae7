#include "cli/demo/examinations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace myelin::cli::demo {

namespace {

constexpr auto kMetabolic = std::to_array<Analyte>({
    {"2951-2", "Sodium", "mmol/L", 0, 120, 136, 145, 160},
    {"2823-3", "Potassium", "mmol/L", 1, 25, 35, 51, 65},
    {"2075-0", "Chloride", "mmol/L", 0, 80, 98, 107, 120},
    {"2028-9", "Carbon dioxide, total", "mmol/L", 0, 10, 22, 29, 40},
    {"3094-0", "Urea nitrogen", "mg/dL", 0, 0, 7, 20, 100},
    {"2160-0", "Creatinine", "mg/dL", 2, 0, 60, 120, 500},
    {"2345-7", "Glucose", "mg/dL", 0, 45, 70, 99, 450},
    {"17861-6", "Calcium", "mg/dL", 1, 65, 86, 102, 130},
});
constexpr auto kBloodCount = std::to_array<Analyte>({
    {"6690-2", "Leukocytes", "10*3/uL", 1, 20, 45, 110, 300},
    {"789-8", "Erythrocytes", "10*6/uL", 2, 0, 400, 550, 800},
    {"718-7", "Hemoglobin", "g/dL", 1, 70, 120, 160, 200},
    {"4544-3", "Hematocrit", "%", 1, 210, 360, 460, 600},
    {"777-3", "Platelets", "10*3/uL", 0, 50, 150, 400, 1000},
});
constexpr auto kLipids = std::to_array<Analyte>({
    {"2093-3", "Cholesterol", "mg/dL", 0, 0, 120, 199, 500},
    {"2571-8", "Triglyceride", "mg/dL", 0, 0, 40, 149, 1000},
    {"2085-9", "Cholesterol in HDL", "mg/dL", 0, 0, 40, 60, 150},
    {"13457-7", "Cholesterol in LDL, calculated", "mg/dL", 0, 0, 50, 99, 300},
});
constexpr auto kTroponin = std::to_array<Analyte>({
    {"10839-9", "Troponin I.cardiac", "ng/mL", 2, 0, 0, 4, 40},
});
constexpr auto kLactate = std::to_array<Analyte>({
    {"2524-7", "Lactate", "mmol/L", 1, 0, 5, 20, 40},
});
constexpr auto kCrp = std::to_array<Analyte>({
    {"1988-5", "C reactive protein", "mg/L", 1, 0, 0, 50, 2000},
});
constexpr auto kHba1c = std::to_array<Analyte>({
    {"4548-4", "Hemoglobin A1c/Hemoglobin.total", "%", 1, 0, 40, 56, 140},
});
constexpr auto kTsh = std::to_array<Analyte>({
    {"3016-3", "Thyrotropin", "m[IU]/L", 2, 0, 40, 400, 10000},
});
constexpr auto kVitals = std::to_array<Analyte>({
    {"8867-4", "Heart rate", "/min", 0, 40, 60, 100, 140},
    {"9279-1", "Respiratory rate", "/min", 0, 8, 12, 20, 30},
    {"8480-6", "Systolic blood pressure", "mm[Hg]", 0, 80, 100, 139, 200},
    {"8462-4", "Diastolic blood pressure", "mm[Hg]", 0, 40, 60, 89, 120},
    {"8310-5", "Body temperature", "Cel", 1, 340, 361, 375, 400},
    {"59408-5", "Oxygen saturation by pulse oximetry", "%", 0, 85, 94, 99, 101},
});

constexpr auto kLaboratory = ExaminationKind::Laboratory;
constexpr auto kImaging = ExaminationKind::Imaging;

constexpr auto kExaminations = std::to_array<Examination>({
    {kLaboratory, "51990-0", "Basic metabolic panel", "CH", "SER", "Serum", kMetabolic},
    {kLaboratory, "58410-2", "Complete blood count", "HM", "BLD", "Whole blood", kBloodCount},
    {kLaboratory, "57698-3", "Lipid panel", "CH", "SER", "Serum", kLipids},
    {kLaboratory, "10839-9", "Troponin I.cardiac", "CH", "SER", "Serum", kTroponin},
    {kLaboratory, "2524-7", "Lactate", "CH", "PLAS", "Plasma", kLactate},
    {kLaboratory, "1988-5", "C reactive protein", "CH", "SER", "Serum", kCrp},
    {kLaboratory, "4548-4", "Hemoglobin A1c", "CH", "BLD", "Whole blood", kHba1c},
    {kLaboratory, "3016-3", "Thyrotropin", "CH", "SER", "Serum", kTsh},
    {kImaging, "36643-5", "XR Chest 2 views", "RAD", "", "", {}},
    {kImaging, "24627-2", "CT Chest", "CT", "", "", {}},
});

constexpr Examination kVitalSigns = {kLaboratory, "85353-1", "Vital signs panel", "NRS", "",
                                     "",          kVitals};

std::string number_text(std::int64_t value, std::uint8_t decimals) {
  std::int64_t unit = 1;
  for (int i = 0; i < decimals; ++i) unit *= 10;
  if (decimals == 0) return fmt::format("{}", value);
  return fmt::format("{}.{:0{}}", value / unit, value % unit, decimals);
}

std::string_view flag_of(const Analyte& analyte, std::int64_t value) {
  if (value >= analyte.critical_high) return "HH";
  if (analyte.critical_low > 0 && value <= analyte.critical_low) return "LL";
  if (value > analyte.high) return "H";
  return value < analyte.low ? "L" : "N";
}

struct Range {
  std::int64_t first;
  std::int64_t last;
};

Range choose_range(const Analyte& analyte, Random& random) {
  const auto roll = random.below(100);
  if (roll < 80) return {analyte.low, analyte.high};
  if (roll < 89) return {analyte.high + 1, std::min(2 * analyte.high, analyte.critical_high - 1)};
  if (roll < 97) return {analyte.critical_low + 1, analyte.low - 1};
  if (roll < 99 || analyte.critical_low == 0)
    return {analyte.critical_high, analyte.critical_high + analyte.critical_high / 10};
  return {analyte.critical_low - analyte.critical_low / 10, analyte.critical_low};
}

}  // namespace

std::span<const Examination> examinations() { return kExaminations; }
const Examination& vital_signs() { return kVitalSigns; }

Measurement measure(const Analyte& analyte, Random& random) {
  Range range = choose_range(analyte, random);
  // A percentage has no critical height.
  if (analyte.unit == "%" && range.last > 100 && analyte.decimals == 0)
    range = {analyte.low, analyte.high};
  if (range.first > range.last) range = {analyte.low, analyte.high};
  const std::int64_t value = random.between(range.first, range.last);
  return {number_text(value, analyte.decimals), flag_of(analyte, value)};
}

std::string reference_range(const Analyte& analyte) {
  return number_text(analyte.low, analyte.decimals) + "-" +
         number_text(analyte.high, analyte.decimals);
}

}  // namespace myelin::cli::demo
