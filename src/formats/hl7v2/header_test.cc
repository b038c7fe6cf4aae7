#include "formats/hl7v2/header.h"

#include <gtest/gtest.h>

#include <string>

#include "formats/hl7v2/parse.h"

namespace myelin::hl7v2 {

namespace {

const std::string kRaw =
    "MSH|^~\\&|APP^1^ISO|FAC|TO|THERE|20260419||ORU^R01^ORU_R01|ID\\F\\1|P^T|2.5.1^DEU|||AL|NE||"
    "UNICODE UTF-8\rEVN|A99\r";

void expect_all(const Header& header) {
  EXPECT_TRUE(header.found);
  EXPECT_EQ(header.encoding_characters, "^~\\&");
  EXPECT_EQ(header.sending_application, "APP^1^ISO");
  EXPECT_EQ(header.sending_facility, "FAC");
  EXPECT_EQ(header.receiving_application, "TO");
  EXPECT_EQ(header.receiving_facility, "THERE");
  EXPECT_EQ(header.message_type, "ORU");
  EXPECT_EQ(header.trigger_event, "R01");
  EXPECT_EQ(header.message_structure, "ORU_R01");
  EXPECT_EQ(header.control_id, "ID\\F\\1");
  EXPECT_EQ(header.processing_id, "P^T");
  EXPECT_EQ(header.version, "2.5.1^DEU");
  EXPECT_EQ(header.accept_acknowledgment, "AL");
  EXPECT_EQ(header.application_acknowledgment, "NE");
  EXPECT_EQ(header.character_set, "UNICODE UTF-8");
}

TEST(Header, IsReadFromAMessage) {
  const auto message = parse_view(kRaw);
  ASSERT_TRUE(message);
  expect_all(header_of(*message));
}

TEST(Header, IsReadFromTheBeginningOfBytes) {
  expect_all(header_of_bytes(kRaw));
  expect_all(header_of_bytes("\xEF\xBB\xBF\n" + kRaw.substr(0, kRaw.find('\r'))));
}

TEST(Header, HasWhatABeginningCutAnywhereHas) {
  const auto beginning = std::string_view(kRaw).substr(0, kRaw.find("|ORU") + 6);
  const Header header = header_of_bytes(beginning);
  EXPECT_TRUE(header.found);
  EXPECT_EQ(header.receiving_facility, "THERE");
  EXPECT_EQ(header.message_type, "ORU");
  EXPECT_EQ(header.control_id, "");
}

TEST(Header, IsNotFoundInOtherBytes) {
  for (const std::string_view raw : {"", "MS", "MSH", "MSHA", "PID|1", "\xEF\xBB\xBF"}) {
    EXPECT_FALSE(header_of_bytes(raw).found);
  }
}

TEST(Header, IsReadFromABatchHeader) {
  const Header header = header_of_bytes("BHS|^~\\&|APP|FAC|TO|THERE|2026||name|comment|B77\r");
  EXPECT_TRUE(header.found);
  EXPECT_EQ(header.sending_facility, "FAC");
  EXPECT_EQ(header.control_id, "B77");
  EXPECT_EQ(header.message_type, "");
}

TEST(TriggerEvent, IsTakenFromEvnWhereMshHasNone) {
  const std::string raw = "MSH|^~\\&|||||||ADT|1|P|2.2\rEVN|A08^x\r";
  EXPECT_EQ(trigger_event(*parse_view(raw)), "A08");
  EXPECT_EQ(trigger_event(*parse_view(kRaw)), "R01");
  EXPECT_EQ(trigger_event(*parse_view("MSH|^~\\&|\r")), "");
}

TEST(PatientIdentifier, IsTheFirstRepetitionOfPid3) {
  const std::string raw =
      "MSH|^~\\&|A\rPID|1||\rPID|2||77^^^HOSP&1.2.3&ISO^MR~88^^^OTHER\rPID|3||99\r";
  const auto message = parse_view(raw);
  const auto patient = first_patient_identifier(*message);
  EXPECT_EQ(patient.id.reveal(), "77");
  EXPECT_EQ(patient.authority, "HOSP");
  EXPECT_EQ(patient.authority_id, "1.2.3");
  EXPECT_EQ(patient.type, "MR");
}

TEST(PatientIdentifier, IsEmptyWhereThereIsNone) {
  EXPECT_TRUE(first_patient_identifier(*parse_view("MSH|^~\\&|A\rPID|1||^^^HOSP\r")).id.empty());
}

}  // namespace

}  // namespace myelin::hl7v2
