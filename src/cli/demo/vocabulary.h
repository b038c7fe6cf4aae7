// What the simulated hospital is made of: names, wards, diagnoses, texts. All of it is invented,
// and looks it: nobody can take a patient of DEMO-HOSPITAL for a person.
#pragma once

#include <span>
#include <string_view>

namespace myelin::cli::demo {

inline constexpr std::string_view kFacility = "DEMO-HOSPITAL";

struct Doctor {
  std::string_view id;
  std::string_view family;
  std::string_view given;
};

struct Coded {
  std::string_view code;
  std::string_view text;
};

struct Ward {
  std::string_view code;
  std::string_view service;  // PV1-10.
};

std::span<const std::string_view> family_names();
std::span<const std::string_view> given_names(char sex);  // 'F' or 'M'.
std::span<const std::string_view> streets();
std::span<const std::string_view> towns();
std::span<const Doctor> doctors();
std::span<const Ward> wards();
std::span<const Coded> diagnoses();  // ICD-10.
std::span<const std::string_view> allergies();
std::span<const std::string_view> visit_reasons();
std::span<const std::string_view> report_findings();

}  // namespace myelin::cli::demo
