#include "cli/demo/vocabulary.h"

#include <array>

namespace myelin::cli::demo {

namespace {

using Names = std::string_view;

// A few are not ASCII, and one has a character that HL7 must escape: real feeds have both.
constexpr auto kFamilyNames = std::to_array<Names>(
    {"Testwood",   "Samplefield",    "Mockridge", "Fictley",    "Pseudson",  "Exemplar",
     "Demoville",  "Placeholt",      "Synthson",  "Dummont",    "Trialby",   "Proxyman",
     "Fauxley",    "Makebelief",     "Standin",   "Notareal",   "Inventson", "Simulacre",
     "Musterfrau", "Beispielmüller", "Exemplé",   "Fictício",   "Ejémplez",  "Voorbeeldsma",
     "Prøvesen",   "Testowska",      "Esempioni", "Sham-Quill", "O'Mockery", "Blank & Sons"});
constexpr auto kGivenF =
    std::to_array<Names>({"Alpha",   "Bravura", "Cadence", "Delta",  "Echo",   "Fable", "Gala",
                          "Harmony", "Iota",    "Juno",    "Lyra",   "Melody", "Nova",  "Opal",
                          "Piñata",  "Quilla",  "Rhyme",   "Sonata", "Theta",  "Zoë"});
constexpr auto kGivenM =
    std::to_array<Names>({"Argon",  "Basalt", "Cobalt", "Denim",   "Ember", "Flint", "Garnet",
                          "Helium", "Indigo", "Jasper", "Krypton", "Lapis", "Maple", "Neon",
                          "Onyx",   "Pascal", "Quartz", "Radon",   "Slate", "Zinc"});
constexpr auto kStreets =
    std::to_array<Names>({"Example Street", "Sample Avenue", "Fixture Lane", "Placeholder Road",
                          "Mock & Trial Row", "Synthetic Square", "Lorem Way", "Ipsum Court"});
constexpr auto kTowns =
    std::to_array<Names>({"Demotown", "Testbury", "Mockford", "Sampleton", "Fixtureham"});
constexpr auto kDoctors = std::to_array<Doctor>({{"D9001", "Placebo", "Pia"},
                                                 {"D9002", "Stubb", "Stefan"},
                                                 {"D9003", "Dryrun", "Dora"},
                                                 {"D9004", "Mockup", "Milo"},
                                                 {"D9005", "Rehearse", "Rhea"},
                                                 {"D9006", "Sandboxer", "Saul"}});
constexpr auto kWards = std::to_array<Ward>(
    {{"MED", "MED"}, {"SURG", "SUR"}, {"ICU", "MED"}, {"CARD", "CAR"}, {"PULM", "PUL"}});
constexpr auto kDiagnoses =
    std::to_array<Coded>({{"J18.9", "Pneumonia, unspecified organism"},
                          {"I50.9", "Heart failure, unspecified"},
                          {"N39.0", "Urinary tract infection, site not specified"},
                          {"E11.9", "Type 2 diabetes mellitus without complications"},
                          {"K35.80", "Unspecified acute appendicitis"},
                          {"I10", "Essential (primary) hypertension"},
                          {"J44.1", "Chronic obstructive pulmonary disease with exacerbation"},
                          {"S72.001A", "Fracture of neck of right femur, initial encounter"},
                          {"I21.4", "Non-ST elevation myocardial infarction"},
                          {"A41.9", "Sepsis, unspecified organism"}});
constexpr auto kAllergies =
    std::to_array<Names>({"Penicillin", "Sulfonamides", "Latex", "Peanut", "Iodinated contrast"});
constexpr auto kVisitReasons =
    std::to_array<Names>({"Follow-up visit", "Wound check", "Medication review",
                          "Results discussion", "Pre-operative assessment"});
constexpr auto kFindings = std::to_array<Names>(
    {"No acute cardiopulmonary finding.", "Small left pleural effusion.",
     "Right lower lobe opacity, compatible with pneumonia.", "Mild cardiomegaly.",
     "No fracture identified.", "Degenerative changes, unchanged."});

}  // namespace

std::span<const std::string_view> family_names() { return kFamilyNames; }
std::span<const std::string_view> given_names(char sex) { return sex == 'F' ? kGivenF : kGivenM; }
std::span<const std::string_view> streets() { return kStreets; }
std::span<const std::string_view> towns() { return kTowns; }
std::span<const Doctor> doctors() { return kDoctors; }
std::span<const Ward> wards() { return kWards; }
std::span<const Coded> diagnoses() { return kDiagnoses; }
std::span<const std::string_view> allergies() { return kAllergies; }
std::span<const std::string_view> visit_reasons() { return kVisitReasons; }
std::span<const std::string_view> report_findings() { return kFindings; }

}  // namespace myelin::cli::demo
