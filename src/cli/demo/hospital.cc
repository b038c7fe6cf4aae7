#include "cli/demo/hospital.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace myelin::cli::demo {

namespace {

constexpr std::uint64_t kUsualCensus = 40;
constexpr std::size_t kUndocumentedMax = 10;

constexpr auto kKinds =
    std::to_array<EventKind>({EventKind::Admission, EventKind::Transfer, EventKind::Discharge,
                              EventKind::Update, EventKind::Order, EventKind::Result,
                              EventKind::VitalSigns, EventKind::Appointment, EventKind::Document});

bool may_leave(const Patient& patient) { return patient.orders.empty() && patient.results > 0; }
bool may_order(const Patient& patient) { return patient.orders.size() < kOrdersPerPatientMax; }
bool has_order(const Patient& patient) { return !patient.orders.empty(); }
bool anyone(const Patient&) { return true; }

std::string invent_street(Random& random) {
  return fmt::format("{} {}", 1 + random.below(99), random.pick(streets()));
}

}  // namespace

Hospital::Hospital(std::uint64_t seed)
    : random_(seed),
      next_record_(100'000 + random_.below(800'000)),
      next_visit_(1'000'000 + random_.below(8'000'000)),
      next_order_(1'000'000 + random_.below(8'000'000)),
      next_appointment_(100'000 + random_.below(800'000)),
      occupied_(wards().size()) {
  for (auto& ward : occupied_) ward.fill(false);
}

Event Hospital::next(Timestamp now) { return happen(choose(), now); }

std::uint64_t Hospital::weight_of(EventKind kind) const {
  const std::uint64_t census = inpatients_.size();
  const auto when = [&](auto applies, std::uint64_t weight) {
    return std::ranges::any_of(inpatients_, applies) ? weight : 0;
  };
  switch (kind) {
    case EventKind::Admission:
      // Fills up at first, then keeps about even with the discharges; there is always a free bed
      // left.
      return census < kUsualCensus ? 6 + (kUsualCensus - census) / 2 : (census < 48 ? 2 : 0);
    case EventKind::Discharge: return when(may_leave, 2 + census / 5);
    case EventKind::Transfer: return when(anyone, 5);
    case EventKind::Update: return when(anyone, 7);
    case EventKind::Order: return when(may_order, 22);
    case EventKind::Result: return when(has_order, 26);
    case EventKind::VitalSigns: return when(anyone, 20);
    case EventKind::Appointment: return former_.empty() ? 0 : 4;
    case EventKind::Document: return undocumented_.empty() ? 0 : 8;
  }
  return 0;
}

EventKind Hospital::choose() {
  std::uint64_t total = 0;
  for (const EventKind kind : kKinds) total += weight_of(kind);
  std::uint64_t at = random_.below(total);
  for (const EventKind kind : kKinds) {
    const std::uint64_t weight = weight_of(kind);
    if (at < weight) return kind;
    at -= weight;
  }
  return EventKind::Admission;
}

Event Hospital::happen(EventKind kind, Timestamp now) {
  switch (kind) {
    case EventKind::Admission: return admit(now);
    case EventKind::Transfer: return transfer(now);
    case EventKind::Discharge: return discharge(now);
    case EventKind::Update: return update(now);
    case EventKind::Order: return order(now);
    case EventKind::Result: return result(now);
    case EventKind::VitalSigns:
      return {EventKind::VitalSigns, now, pick_inpatient(anyone), Order{0, &vital_signs(), now}};
    case EventKind::Appointment: return book(now);
    case EventKind::Document: break;
  }
  Event event{EventKind::Document, now, std::move(undocumented_.front())};
  undocumented_.pop_front();
  return event;
}

template <class Applies>
Patient& Hospital::pick_inpatient(Applies applies) {
  const auto count = static_cast<std::uint64_t>(std::ranges::count_if(inpatients_, applies));
  MYELIN_CHECK(count > 0, "nobody for the chosen event");
  std::uint64_t left = random_.below(count);
  auto at = std::ranges::find_if(inpatients_, applies);
  for (; left > 0; --left) at = std::ranges::find_if(std::next(at), inpatients_.end(), applies);
  return *at;
}

Patient Hospital::new_patient() {
  Patient patient;
  patient.record_number = fmt::format("D{}", next_record_++);
  patient.sex = random_.chance(50) ? 'F' : 'M';
  patient.family = random_.pick(family_names());
  patient.given = random_.pick(given_names(patient.sex));
  patient.birth_date = fmt::format("{}{:02}{:02}", random_.between(1935, 2007),
                                   random_.between(1, 12), random_.between(1, 28));
  patient.street = invent_street(random_);
  patient.town = random_.pick(towns());
  patient.phone = fmt::format("55501{:02}", random_.below(100));
  if (random_.chance(30)) patient.allergy = random_.pick(allergies());
  return patient;
}

Bed Hospital::take_bed(std::optional<std::size_t> not_in_ward) {
  std::vector<Bed> free;
  for (std::size_t ward = 0; ward < occupied_.size(); ++ward) {
    if (ward == not_in_ward) continue;
    for (std::size_t number = 0; number < kBedsPerWard; ++number) {
      if (is_free({ward, number})) free.push_back({ward, number});
    }
  }
  // The wards hold more than are ever admitted, even with one of them left out.
  MYELIN_CHECK(!free.empty(), "no bed is free");
  const Bed bed = random_.pick(free);
  occupied_[bed.ward][bed.number] = true;
  return bed;
}

Event Hospital::admit(Timestamp now) {
  const bool comes_back = former_.size() > kFormerPatientsMax / 2 && random_.chance(20);
  Patient patient;
  if (comes_back) {
    patient = std::move(former_.front());
    former_.pop_front();
  } else {
    patient = new_patient();
  }
  patient.visit = next_visit_++;
  patient.bed = take_bed(std::nullopt);
  patient.prior_bed.reset();
  patient.doctor = &random_.pick(doctors());
  patient.diagnosis = &random_.pick(diagnoses());
  patient.admitted = now;
  patient.results = 0;
  inpatients_.push_back(patient);
  return {EventKind::Admission, now, std::move(patient)};
}

Event Hospital::transfer(Timestamp now) {
  Patient& patient = pick_inpatient(anyone);
  const Bed before = patient.bed;
  patient.bed = take_bed(before.ward);
  occupied_[before.ward][before.number] = false;
  patient.prior_bed = before;
  return {EventKind::Transfer, now, patient};
}

Event Hospital::discharge(Timestamp now) {
  std::swap(pick_inpatient(may_leave), inpatients_.back());
  Patient patient = std::move(inpatients_.back());
  inpatients_.pop_back();
  occupied_[patient.bed.ward][patient.bed.number] = false;
  patient.discharged = now;
  if (undocumented_.size() < kUndocumentedMax) undocumented_.push_back(patient);
  former_.push_back(patient);
  if (former_.size() > kFormerPatientsMax) former_.pop_front();
  return {EventKind::Discharge, now, std::move(patient)};
}

Event Hospital::update(Timestamp now) {
  Patient& patient = pick_inpatient(anyone);
  switch (random_.below(3)) {
    case 0:
      patient.street = invent_street(random_);
      patient.town = random_.pick(towns());
      break;
    case 1: patient.doctor = &random_.pick(doctors()); break;
    default: patient.diagnosis = &random_.pick(diagnoses()); break;
  }
  return {EventKind::Update, now, patient};
}

Event Hospital::order(Timestamp now) {
  Patient& patient = pick_inpatient(may_order);
  const Order order{next_order_++, &random_.pick(examinations()), now};
  patient.orders.push_back(order);
  return {EventKind::Order, now, patient, order};
}

Event Hospital::result(Timestamp now) {
  Patient& patient = pick_inpatient(has_order);
  const Order order = patient.orders.front();
  patient.orders.erase(patient.orders.begin());
  ++patient.results;
  return {EventKind::Result, now, patient, order};
}

Event Hospital::book(Timestamp now) {
  const Patient& patient = random_.pick(former_);
  // Whole hours in the weeks to come.
  const auto hour = std::chrono::ceil<std::chrono::hours>(now) +
                    std::chrono::hours(24 * random_.between(7, 28) + random_.between(0, 8));
  return {EventKind::Appointment, now, patient, std::nullopt,
          Appointment{next_appointment_++, hour, random_.pick(visit_reasons())}};
}

}  // namespace myelin::cli::demo
