#include "cli/demo/messages.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "cli/demo/segment_writer.h"

namespace myelin::cli::demo {

namespace {

struct Form {
  std::string_view type;  // "ADT^A01"
  std::string_view structure;
  std::string_view application;
};

Form form_of(const Event& event) {
  switch (event.kind) {
    case EventKind::Admission: return {"ADT^A01", "ADT_A01", "DEMO-ADT"};
    case EventKind::Transfer: return {"ADT^A02", "ADT_A02", "DEMO-ADT"};
    case EventKind::Discharge: return {"ADT^A03", "ADT_A03", "DEMO-ADT"};
    case EventKind::Update: return {"ADT^A08", "ADT_A01", "DEMO-ADT"};
    case EventKind::Order:
      if (event.order->examination->kind == ExaminationKind::Imaging)
        return {"ORM^O01", "ORM_O01", "DEMO-ORDERS"};
      return {"OML^O21", "OML_O21", "DEMO-ORDERS"};
    case EventKind::Result: return {"ORU^R01", "ORU_R01", "DEMO-LAB"};
    case EventKind::VitalSigns: return {"ORU^R01", "ORU_R01", "DEMO-MONITOR"};
    case EventKind::Appointment: return {"SIU^S12", "SIU_S12", "DEMO-SCHED"};
    case EventKind::Document: break;
  }
  return {"MDM^T02", "MDM_T02", "DEMO-DOCS"};
}

class Writer {
 public:
  Writer(const Event& event, Random& random)
      : event_(event), patient_(event.patient), random_(random) {}

  std::string write(const Form& form, std::string_view control_id) {
    header(form, control_id);
    switch (event_.kind) {
      case EventKind::Admission:
      case EventKind::Transfer:
      case EventKind::Discharge:
      case EventKind::Update: admission(form); break;
      case EventKind::Order: order(); break;
      case EventKind::Result:
      case EventKind::VitalSigns: result(); break;
      case EventKind::Appointment: appointment(); break;
      case EventKind::Document: document(form); break;
    }
    return std::move(out_);
  }

 private:
  SegmentWriter segment(std::string_view id) { return SegmentWriter(out_, id); }

  void header(const Form& form, std::string_view control_id) {
    segment("MSH")
        .at(3, form.application)
        .at(4, kFacility)
        .at(5, "MYELIN")
        .at(6, kFacility)
        .at(7, hl7_time(event_.time))
        .at(9, {form.type.substr(0, 3), form.type.substr(4), form.structure})
        .at(10, control_id)
        .at(11, "T")
        .at(12, "2.5.1")
        .at(18, "UNICODE UTF-8");
  }

  void event_type(const Form& form) {
    segment("EVN").at(1, form.type.substr(4)).at(2, hl7_time(event_.time));
  }

  void patient() {
    segment("PID")
        .at(1, "1")
        .at(3, {patient_.record_number, "", "", kFacility, "MR"})
        .at(5, {patient_.family, patient_.given, "", "", "", "", "L"})
        .at(7, patient_.birth_date)
        .at(8, std::string_view(&patient_.sex, 1))
        .at(11, {patient_.street, "", patient_.town, "DM", "00001", "", "H"})
        .at(13, {"", "PRN", "PH", "", "1", "555", patient_.phone})
        .at(18, {fmt::format("A{}", patient_.visit), "", "", kFacility, "AN"});
  }

  void place(SegmentWriter& writer, std::size_t field, Bed bed) {
    const auto room = fmt::format("{}{:02}", bed.ward + 1, bed.number / 2 + 1);
    writer.at(field, {wards()[bed.ward].code, room, bed.number % 2 == 0 ? "A" : "B", kFacility});
  }

  void doctor(SegmentWriter& writer, std::size_t field) {
    const Doctor& doctor = *patient_.doctor;
    writer.at(field, {doctor.id, doctor.family, doctor.given, "", "", "Dr", "", "", kFacility});
  }

  void visit() {
    SegmentWriter writer(out_, "PV1");
    const bool is_outpatient = event_.kind == EventKind::Appointment;
    writer.at(1, "1").at(2, is_outpatient ? "O" : "I");
    if (!is_outpatient) {
      place(writer, 3, patient_.bed);
      writer.at(4, "R");
      if (event_.kind == EventKind::Transfer) place(writer, 6, *patient_.prior_bed);
    }
    doctor(writer, 7);
    writer.at(10, wards()[patient_.bed.ward].service)
        .at(19, {fmt::format("V{}", patient_.visit), "", "", kFacility, "VN"});
    if (is_outpatient) return;
    const bool has_left = patient_.discharged > patient_.admitted;
    if (has_left) writer.at(36, "01");
    writer.at(44, hl7_time(patient_.admitted));
    if (has_left) writer.at(45, hl7_time(patient_.discharged));
  }

  void diagnosis() {
    segment("DG1")
        .at(1, "1")
        .at(3, {patient_.diagnosis->code, patient_.diagnosis->text, "I10"})
        .at(5, hl7_time(patient_.admitted))
        .at(6, "A");
  }

  void admission(const Form& form) {
    event_type(form);
    patient();
    visit();
    if (event_.kind == EventKind::Transfer) return;
    const bool is_discharge = event_.kind == EventKind::Discharge;
    if (!is_discharge && !patient_.allergy.empty())
      segment("AL1").at(1, "1").at(2, "DA").at(3, {"", patient_.allergy}).at(4, "MO");
    diagnosis();
  }

  std::string placer() const { return fmt::format("P{}", event_.order->number); }
  std::string filler() const { return fmt::format("F{}", event_.order->number); }

  void common_order(std::string_view control) {
    SegmentWriter writer(out_, "ORC");
    writer.at(1, control).at(2, {placer(), "DEMO-ORDERS"});
    if (control == "RE") writer.at(3, {filler(), "DEMO-LAB"});
    writer.at(9, hl7_time(event_.time));
    doctor(writer, 12);
  }

  void request(std::string_view status) {
    const Examination& examination = *event_.order->examination;
    const bool was_ordered = event_.order->number != 0;
    SegmentWriter writer(out_, "OBR");
    writer.at(1, "1");
    if (was_ordered) writer.at(2, {placer(), "DEMO-ORDERS"});
    if (!status.empty())
      writer.at(3, {was_ordered ? filler() : fmt::format("M{}", to_ms(event_.time)), "DEMO-LAB"});
    writer.at(4, {examination.code, examination.name, "LN"});
    if (!status.empty()) writer.at(7, hl7_time(event_.order->ordered));
    doctor(writer, 16);
    if (!status.empty())
      writer.at(22, hl7_time(event_.time)).at(24, examination.section).at(25, status);
  }

  void specimen() {
    const Examination& examination = *event_.order->examination;
    if (examination.specimen.empty()) return;
    segment("SPM")
        .at(1, "1")
        .at(4, {examination.specimen, examination.specimen_name, "HL70487"})
        .at(17, hl7_time(event_.order->ordered));
  }

  void order() {
    patient();
    visit();
    common_order("NW");
    request({});
    if (event_.order->examination->kind == ExaminationKind::Imaging) {
      diagnosis();
    } else {
      specimen();
    }
  }

  void result() {
    patient();
    visit();
    if (event_.kind == EventKind::Result) common_order("RE");
    request("F");
    const Examination& examination = *event_.order->examination;
    if (examination.kind == ExaminationKind::Imaging) {
      report(examination.code, examination.name);
      return;
    }
    std::size_t number = 0;
    for (const Analyte& analyte : examination.analytes) observation(analyte, ++number);
    specimen();
  }

  void observation(const Analyte& analyte, std::size_t number) {
    const Measurement measured = measure(analyte, random_);
    segment("OBX")
        .at(1, fmt::format("{}", number))
        .at(2, "NM")
        .at(3, {analyte.code, analyte.name, "LN"})
        .at(5, measured.value)
        .at(6, {analyte.unit, "", "UCUM"})
        .at(7, reference_range(analyte))
        .at(8, measured.flag)
        .at(11, "F")
        .at(14, hl7_time(event_.order->ordered));
    if (measured.flag.size() == 2)
      segment("NTE").at(1, "1").at(2, "L").at(3, "Critical value, ward informed (simulated).");
  }

  void report(std::string_view code, std::string_view name) {
    segment("OBX")
        .at(1, "1")
        .at(2, "TX")
        .at(3, {code, name, "LN"})
        .at(5, random_.pick(report_findings()))
        .at(11, "F")
        .at(14, hl7_time(event_.time));
  }

  void appointment() {
    const Appointment& booked = *event_.appointment;
    const auto number = fmt::format("S{}", booked.number);
    const auto begins = hl7_time(booked.begins);
    {
      SegmentWriter writer(out_, "SCH");
      writer.at(1, {number, "DEMO-SCHED"})
          .at(2, {number, "DEMO-SCHED"})
          .at(6, {"ROUTINE", "Routine appointment", "HL70276"})
          .at(7, {"", booked.reason})
          .at(9, "30")
          .at(10, "min");
      doctor(writer, 16);
      doctor(writer, 20);
      writer.at(25, {"Booked", "Booked", "HL70278"});
    }
    segment("TQ1").at(1, "1").at(7, begins).at(8,
                                               hl7_time(booked.begins + std::chrono::minutes(30)));
    patient();
    visit();
    segment("RGS").at(1, "1").at(2, "A");
    segment("AIL").at(1, "1").at(2, "A").at(3, {"CLINIC", "1", "", kFacility}).at(6, begins);
    SegmentWriter writer(out_, "AIP");
    writer.at(1, "1").at(2, "A");
    doctor(writer, 3);
    writer.at(6, begins);
  }

  void document(const Form& form) {
    event_type(form);
    patient();
    visit();
    {
      SegmentWriter writer(out_, "TXA");
      writer.at(1, "1").at(2, "DS").at(3, "TX").at(4, hl7_time(event_.time));
      doctor(writer, 5);
      writer.at(12, {fmt::format("T{}", patient_.visit), "DEMO-DOCS"}).at(17, "AU");
    }
    segment("OBX")
        .at(1, "1")
        .at(2, "TX")
        .at(3, {"18842-5", "Discharge summary", "LN"})
        .at(5,
            fmt::format("Simulated discharge summary. Treated for: {}. {} results were reported. "
                        "Follow-up in the outpatient clinic.",
                        patient_.diagnosis->text, patient_.results))
        .at(11, "F");
  }

  const Event& event_;
  const Patient& patient_;
  Random& random_;
  std::string out_;
};

}  // namespace

DemoMessage write_message(const Event& event, std::string control_id, Random& random) {
  const Form form = form_of(event);
  std::string bytes = Writer(event, random).write(form, control_id);
  return {std::move(control_id), form.type, std::move(bytes)};
}

std::string hl7_time(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}.{:03}+0000", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace myelin::cli::demo
