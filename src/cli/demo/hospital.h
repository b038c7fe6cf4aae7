// Hospital: a simulated hospital as a state machine, from a seed: each step is one thing that
// happens to one patient.
//
// Patients are booked, admitted, examined, moved, updated, discharged and written about, in an
// order that makes sense: a result answers an order, a transfer goes to a free bed, a discharge
// waits for what is ordered. Same seed, same steps (and, with the same times, the same messages).
// Memory is bounded by the beds. No I/O, no clock: the caller says what time it is.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cli/demo/examinations.h"
#include "cli/demo/random.h"
#include "cli/demo/vocabulary.h"

namespace myelin::cli::demo {

inline constexpr std::size_t kBedsPerWard = 12;
inline constexpr std::size_t kOrdersPerPatientMax = 3;
inline constexpr std::size_t kFormerPatientsMax = 100;

struct Bed {
  std::size_t ward = 0;    // Of wards().
  std::size_t number = 0;  // In the ward.
};

struct Order {
  std::uint64_t number = 0;
  const Examination* examination = nullptr;
  Timestamp ordered{};
};

struct Patient {
  std::string record_number;  // "D482913".
  std::string family;
  std::string given;
  char sex = 'F';
  std::string birth_date;  // "19610412".
  std::string street;
  std::string town;
  std::string phone;
  std::string allergy;  // Empty: none known.

  std::uint64_t visit = 0;
  Bed bed;
  std::optional<Bed> prior_bed;
  const Doctor* doctor = nullptr;
  const Coded* diagnosis = nullptr;
  Timestamp admitted{};
  Timestamp discharged{};
  std::vector<Order> orders;
  std::uint32_t results = 0;
};

struct Appointment {
  std::uint64_t number = 0;
  Timestamp begins{};
  std::string_view reason;
};

enum class EventKind : std::uint8_t {
  Admission,    // ADT^A01
  Transfer,     // ADT^A02
  Discharge,    // ADT^A03
  Update,       // ADT^A08
  Order,        // OML^O21, ORM^O01 for images
  Result,       // ORU^R01
  VitalSigns,   // ORU^R01
  Appointment,  // SIU^S12
  Document,     // MDM^T02
};

struct Event {
  EventKind kind;
  Timestamp time;
  Patient patient;  // As it is after the event.
  std::optional<Order> order = std::nullopt;
  std::optional<Appointment> appointment = std::nullopt;
};

class Hospital {
 public:
  explicit Hospital(std::uint64_t seed);

  Event next(Timestamp now);

  std::size_t inpatient_count() const { return inpatients_.size(); }
  // For what the messages say beyond the event: values, findings.
  Random& random() { return random_; }

 private:
  EventKind choose();
  std::uint64_t weight_of(EventKind kind) const;
  Event happen(EventKind kind, Timestamp now);

  Event admit(Timestamp now);
  Event transfer(Timestamp now);
  Event discharge(Timestamp now);
  Event update(Timestamp now);
  Event order(Timestamp now);
  Event result(Timestamp now);
  Event book(Timestamp now);

  Patient new_patient();
  Bed take_bed(std::optional<std::size_t> not_in_ward);
  bool is_free(Bed bed) const { return !occupied_[bed.ward][bed.number]; }
  // One of the inpatients to whom it applies; there is one where weight_of() says so.
  template <class Applies>
  Patient& pick_inpatient(Applies applies);

  Random random_;
  std::uint64_t next_record_;
  std::uint64_t next_visit_;
  std::uint64_t next_order_;
  std::uint64_t next_appointment_;
  std::vector<std::array<bool, kBedsPerWard>> occupied_;
  std::vector<Patient> inpatients_;
  std::deque<Patient> former_;        // Discharged, newest last; some come back.
  std::deque<Patient> undocumented_;  // Discharged, their summary not yet written.
};

}  // namespace myelin::cli::demo
