#include "cli/demo/hospital.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace myelin::cli::demo {
namespace {

constexpr int kSteps = 20'000;
const Timestamp kStart = timestamp_from_ms(1'700'000'000'000);

Timestamp at(int step) { return kStart + std::chrono::milliseconds(500 * step); }

std::string summary(const Event& event) {
  return std::to_string(static_cast<int>(event.kind)) + event.patient.record_number +
         event.patient.family + event.patient.street;
}

TEST(Hospital, TheSameSeedGivesTheSameSteps) {
  Hospital one(7);
  Hospital other(7);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(summary(one.next(at(i))), summary(other.next(at(i))));
}

TEST(Hospital, AnotherSeedGivesOthers) {
  Hospital one(7);
  Hospital other(8);
  EXPECT_NE(summary(one.next(kStart)), summary(other.next(kStart)));
}

TEST(Hospital, BeginsWithAnAdmission) {
  for (std::uint64_t seed = 0; seed < 50; ++seed)
    EXPECT_EQ(Hospital(seed).next(kStart).kind, EventKind::Admission);
}

TEST(Hospital, DoesEverythingThatItCan) {
  Hospital hospital(1);
  std::set<EventKind> seen;
  for (int i = 0; i < kSteps; ++i) seen.insert(hospital.next(at(i)).kind);
  EXPECT_EQ(seen.size(), 9u);
}

TEST(Hospital, NobodyIsInTwoPlacesNorTwoInOneBed) {
  Hospital hospital(2);
  std::map<std::string, std::pair<std::size_t, std::size_t>> places;
  for (int i = 0; i < kSteps; ++i) {
    const Event event = hospital.next(at(i));
    const auto& name = event.patient.record_number;
    if (event.kind == EventKind::Discharge) {
      ASSERT_EQ(places.erase(name), 1u);
    } else if (event.kind == EventKind::Admission) {
      ASSERT_FALSE(places.contains(name));
    }
    if (event.kind == EventKind::Admission || event.kind == EventKind::Transfer) {
      const std::pair place{event.patient.bed.ward, event.patient.bed.number};
      for (const auto& [other, taken] : places) ASSERT_TRUE(other == name || taken != place);
      places[name] = place;
    }
  }
  EXPECT_EQ(places.size(), hospital.inpatient_count());
}

TEST(Hospital, ATransferIsToAnotherWardAndTellsWhereFrom) {
  Hospital hospital(3);
  for (int i = 0; i < kSteps; ++i) {
    const Event event = hospital.next(at(i));
    if (event.kind != EventKind::Transfer) continue;
    ASSERT_TRUE(event.patient.prior_bed);
    ASSERT_NE(event.patient.prior_bed->ward, event.patient.bed.ward);
  }
}

TEST(Hospital, EachResultAnswersOneOrderOfThatPatient) {
  Hospital hospital(4);
  std::map<std::uint64_t, std::string> open;
  for (int i = 0; i < kSteps; ++i) {
    const Event event = hospital.next(at(i));
    if (event.kind == EventKind::Order)
      ASSERT_TRUE(open.emplace(event.order->number, event.patient.record_number).second);
    if (event.kind != EventKind::Result) continue;
    const auto found = open.find(event.order->number);
    ASSERT_NE(found, open.end());
    ASSERT_EQ(found->second, event.patient.record_number);
    open.erase(found);
  }
  EXPECT_LE(open.size(), kOrdersPerPatientMax * hospital.inpatient_count());
}

TEST(Hospital, NobodyLeavesBeforeTheResultsAreThere) {
  Hospital hospital(5);
  for (int i = 0; i < kSteps; ++i) {
    const Event event = hospital.next(at(i));
    if (event.kind != EventKind::Discharge) continue;
    ASSERT_TRUE(event.patient.orders.empty());
    ASSERT_GT(event.patient.results, 0u);
    ASSERT_GE(event.patient.discharged, event.patient.admitted);
  }
}

TEST(Hospital, SettlesBelowItsBeds) {
  Hospital hospital(6);
  for (int i = 0; i < kSteps; ++i) {
    (void)hospital.next(at(i));
    ASSERT_LE(hospital.inpatient_count(), 48u);
  }
  EXPECT_GE(hospital.inpatient_count(), 10u);
}

}  // namespace
}  // namespace myelin::cli::demo
