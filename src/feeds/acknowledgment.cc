#include "feeds/acknowledgment.h"

namespace myelin::feeds {

namespace {

enum class Asked : std::uint8_t { Nothing, Always, Never, OnSuccess, OnError };

// HL7's table 0155.
Asked asked_by(std::string_view code) {
  if (code == "AL") return Asked::Always;
  if (code == "NE") return Asked::Never;
  if (code == "SU") return Asked::OnSuccess;
  if (code == "ER") return Asked::OnError;
  return Asked::Nothing;
}

bool wants(Asked asked, Verdict verdict) {
  switch (asked) {
    case Asked::Always: return true;
    case Asked::OnSuccess: return verdict == Verdict::Accept;
    case Asked::OnError: return verdict != Verdict::Accept;
    case Asked::Never:
    case Asked::Nothing: break;
  }
  return false;
}

hl7v2::AckCode accept_code(Verdict verdict) {
  switch (verdict) {
    case Verdict::Accept: return hl7v2::AckCode::CA;
    case Verdict::Error: return hl7v2::AckCode::CE;
    case Verdict::Reject: break;
  }
  return hl7v2::AckCode::CR;
}

hl7v2::AckCode application_code(Verdict verdict) {
  switch (verdict) {
    case Verdict::Accept: return hl7v2::AckCode::AA;
    case Verdict::Error: return hl7v2::AckCode::AE;
    case Verdict::Reject: break;
  }
  return hl7v2::AckCode::AR;
}

}  // namespace

Verdict verdict_of(OnError on_error) {
  switch (on_error) {
    case OnError::AE: return Verdict::Error;
    case OnError::AR: return Verdict::Reject;
    case OnError::AA: break;
  }
  return Verdict::Accept;
}

std::optional<hl7v2::AckCode> choose_acknowledgment(std::string_view accept_type,
                                                    std::string_view application_type,
                                                    Verdict verdict) {
  const Asked accept = asked_by(accept_type);
  const Asked application = asked_by(application_type);
  if (accept == Asked::Nothing && application == Asked::Nothing) return application_code(verdict);
  if (wants(accept, verdict)) return accept_code(verdict);
  if (wants(application, verdict)) return application_code(verdict);
  return std::nullopt;
}

}  // namespace myelin::feeds
