// Short names of the commonest segments, fields, components and trigger events. What is not here shows its number.

const SEGMENTS: Record<string, string> = {
  AIG: "Appointment: general resource", AIL: "Appointment: location", AIP: "Appointment: personnel", AIS: "Appointment: service",
  AL1: "Allergy", BHS: "Batch header", BTS: "Batch trailer", DG1: "Diagnosis", ERR: "Error", EVN: "Event type",
  FHS: "File header", FT1: "Financial transaction", FTS: "File trailer", GT1: "Guarantor", IN1: "Insurance",
  IN2: "Insurance, more", MRG: "Merge patient", MSA: "Acknowledgment", MSH: "Message header", NK1: "Next of kin",
  NTE: "Notes and comments", OBR: "Observation request", OBX: "Observation", ORC: "Common order", PD1: "Patient, more",
  PID: "Patient identification", PR1: "Procedures", PV1: "Patient visit", PV2: "Patient visit, more", RGS: "Resource group",
  ROL: "Role", RXA: "Pharmacy: administration", RXC: "Pharmacy: component", RXD: "Pharmacy: dispense", RXE: "Pharmacy: encoded order",
  RXO: "Pharmacy: order", RXR: "Pharmacy: route", SCH: "Scheduled activity", SFT: "Software", SPM: "Specimen",
  TQ1: "Timing and quantity", TXA: "Document header",
};

// By field number; a hole has no name here.
const FIELDS: Record<string, readonly string[]> = {
  MSH: ["Field separator", "Encoding characters", "Sending application", "Sending facility", "Receiving application",
    "Receiving facility", "Date and time", "Security", "Message type", "Control ID", "Processing ID", "Version",
    "Sequence number", "Continuation pointer", "Accept acknowledgment", "Application acknowledgment", "Country",
    "Character set", "Principal language", "Character set handling", "Message profile"],
  EVN: ["Event type", "Recorded", "Planned", "Reason", "Operator", "Occurred", "Facility"],
  PID: ["Set ID", "Patient ID", "Patient identifiers", "Alternate patient ID", "Name", "Mother's maiden name", "Birth date",
    "Administrative sex", "Alias", "Race", "Address", "County", "Home phone", "Business phone", "Language", "Marital status",
    "Religion", "Account number", "SSN", "Driver's license", "Mother's identifier", "Ethnic group", "Birth place",
    "Multiple birth", "Birth order", "Citizenship", "Veteran status", "Nationality", "Death date", "Death indicator"],
  PV1: ["Set ID", "Patient class", "Assigned location", "Admission type", "Preadmit number", "Prior location",
    "Attending doctor", "Referring doctor", "Consulting doctor", "Hospital service", "Temporary location", "Preadmit test",
    "Readmission", "Admit source", "Ambulatory status", "VIP", "Admitting doctor", "Patient type", "Visit number",
    "Financial class", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "Discharge disposition",
    "Discharged to", "", "Servicing facility", "Bed status", "Account status", "Pending location", "Prior temporary location",
    "Admitted", "Discharged"],
  ORC: ["Order control", "Placer order number", "Filler order number", "Placer group", "Order status", "Response flag",
    "Quantity and timing", "Parent", "Transaction time", "Entered by", "Verified by", "Ordering provider",
    "Enterer's location", "Callback phone", "Effective", "Control reason", "Entering organization", "Entering device",
    "Action by", "", "Ordering facility", "Facility address", "Facility phone", "Provider address"],
  OBR: ["Set ID", "Placer order number", "Filler order number", "Service", "Priority", "Requested", "Observed",
    "Observation end", "Collection volume", "Collector", "Specimen action", "Danger code", "Clinical information",
    "Specimen received", "Specimen source", "Ordering provider", "Callback phone", "Placer field 1", "Placer field 2",
    "Filler field 1", "Filler field 2", "Results changed", "Charge", "Diagnostic section", "Result status", "Parent result",
    "Quantity and timing", "Copies to", "Parent", "Transport", "Reason for study", "Principal interpreter"],
  OBX: ["Set ID", "Value type", "Observation", "Sub-ID", "Value", "Units", "Reference range", "Abnormal flags",
    "Probability", "Nature of abnormality", "Result status", "Range effective", "Access checks", "Observed", "Producer",
    "Responsible observer", "Method", "Equipment", "Analyzed"],
  NK1: ["Set ID", "Name", "Relationship", "Address", "Phone", "Business phone", "Contact role", "Start", "End", "Job title",
    "Job code", "Employee number", "Organization", "Marital status", "Administrative sex", "Birth date"],
  AL1: ["Set ID", "Allergen type", "Allergen", "Severity", "Reaction", "Identified"],
  DG1: ["Set ID", "Coding method", "Diagnosis", "Description", "Diagnosed", "Diagnosis type"],
  MSA: ["Acknowledgment code", "Control ID", "Text"],
  NTE: ["Set ID", "Source", "Comment"],
};

const PERSON_ID = ["ID", "Family name", "Given name", "Second name", "Suffix", "Prefix"];
const PERSON = ["Family name", "Given name", "Second name", "Suffix", "Prefix"];
const CODED = ["Code", "Text", "Coding system", "Alternate code", "Alternate text", "Alternate system"];
const IDENTIFIER = ["ID", "Check digit", "Check scheme", "Assigning authority", "Type", "Assigning facility"];
const ORDER_ID = ["ID", "Namespace", "Universal ID", "Universal ID type"];
const ADDRESS = ["Street", "Other designation", "City", "State", "Postal code", "Country", "Address type"];
const LOCATION = ["Point of care", "Room", "Bed", "Facility"];
const NAMESPACE = ["Namespace", "Universal ID", "Universal ID type"];

const COMPONENTS: Record<string, readonly string[]> = {
  "MSH-3": NAMESPACE, "MSH-4": NAMESPACE, "MSH-5": NAMESPACE, "MSH-6": NAMESPACE,
  "MSH-9": ["Message code", "Trigger event", "Structure"],
  "PID-3": IDENTIFIER, "PID-5": PERSON, "PID-6": PERSON, "PID-9": PERSON, "PID-10": CODED, "PID-11": ADDRESS, "PID-18": IDENTIFIER,
  "PV1-3": LOCATION, "PV1-6": LOCATION, "PV1-7": PERSON_ID, "PV1-8": PERSON_ID, "PV1-9": PERSON_ID, "PV1-17": PERSON_ID,
  "PV1-19": IDENTIFIER,
  "ORC-2": ORDER_ID, "ORC-3": ORDER_ID, "ORC-10": PERSON_ID, "ORC-11": PERSON_ID, "ORC-12": PERSON_ID,
  "OBR-2": ORDER_ID, "OBR-3": ORDER_ID, "OBR-4": CODED, "OBR-16": PERSON_ID, "OBR-31": CODED,
  "OBX-3": CODED, "OBX-6": CODED, "NK1-2": PERSON, "NK1-3": CODED, "NK1-4": ADDRESS,
  "AL1-2": CODED, "AL1-3": CODED, "AL1-4": CODED, "DG1-3": CODED,
};

const EVENTS: Record<string, string> = {
  "ADT^A01": "Admission", "ADT^A02": "Transfer", "ADT^A03": "Discharge", "ADT^A04": "Registration", "ADT^A05": "Pre-admission",
  "ADT^A06": "Outpatient to inpatient", "ADT^A07": "Inpatient to outpatient", "ADT^A08": "Patient update",
  "ADT^A09": "Patient departing", "ADT^A10": "Patient arriving", "ADT^A18": "Patients merged", "ADT^A24": "Patients linked",
  "ADT^A34": "Patients merged", "ADT^A47": "Identifiers changed", "ADT^A60": "Allergies update",
  "BAR^P01": "Account added", "MFN^M02": "Staff master file", "SIU^S26": "Patient did not show up",
  "ADT^A11": "Admission cancelled", "ADT^A12": "Transfer cancelled", "ADT^A13": "Discharge cancelled",
  "ADT^A28": "Person added", "ADT^A31": "Person update", "ADT^A40": "Patients merged",
  "DFT^P03": "Financial transaction", "MDM^T02": "New document", "ORM^O01": "Order", "OML^O21": "Laboratory order",
  "ORU^R01": "Result", "RDE^O11": "Pharmacy order", "RDS^O13": "Pharmacy dispense", "SIU^S12": "Appointment booked",
  "SIU^S13": "Appointment rescheduled", "SIU^S14": "Appointment changed", "SIU^S15": "Appointment cancelled",
  "VXU^V04": "Vaccination update",
};

const lookUp = <T>(table: Record<string, T>, key: string): T | undefined => (Object.hasOwn(table, key) ? table[key] : undefined);

export function segmentName(id: string): string {
  return lookUp(SEGMENTS, id) ?? (id.startsWith("Z") ? "Site-defined" : "");
}

export function fieldName(id: string, field: number): string {
  return lookUp(FIELDS, id)?.[field - 1] ?? "";
}

export function componentName(id: string, field: number, component: number): string {
  return lookUp(COMPONENTS, `${id}-${field}`)?.[component - 1] ?? "";
}

export function eventName(type: string, trigger: string): string {
  return lookUp(EVENTS, `${type}^${trigger}`) ?? "";
}
