#include "formats/hl7v2/segment_table.h"

#include <array>
#include <cstddef>

#include "formats/hl7v2/code.h"

namespace myelin::hl7v2 {

namespace {

// An id, two digits for its most fields, and a blank.
constexpr std::string_view kSegments =
    "ABS14 ACC13 ADD01 ADJ15 AFF05 AIG14 AIL12 AIP12 AIS12 AL106 APR05 ARQ25 ARV06 AUT29 "
    "BHS14 BLC02 BLG04 BPO14 BPX21 BTS03 BTX20 BUI12 CDM13 CDO04 CER31 CM011 CM103 CM204 "
    "CNS06 CON25 CSP04 CSR16 CSS03 CTD07 CTI03 DB108 DG126 DMI05 DON33 DPS05 DRG33 DSC02 "
    "DSP05 ECD05 ECR03 EDU09 EQL04 EQP05 EQU05 ERQ03 ERR12 EVN07 FAC12 FHS14 FT143 FTS02 "
    "GOL22 GP105 GP214 GT157 IAM30 IAR04 IIM15 ILT10 IN155 IN272 IN327 INV20 IPC09 IPR08 "
    "ISD03 ITM33 IVC30 IVT26 LAN04 LCC04 LCH05 LDP12 LOC09 LRL06 MCP05 MFA06 MFE07 MFI06 "
    "MRG07 MSA08 MSH25 NCK01 NDS04 NK141 NPU02 NSC09 NST15 NTE08 OBR54 OBX30 ODS04 ODT03 "
    "OM159 OM211 OM308 OM418 OM504 OM603 OM724 OMC13 ORC34 ORG13 ORO04 OVR05 PAC08 PCE04 "
    "PCR23 PD122 PDA09 PDC15 PEO25 PES13 PID40 PKG08 PM124 PMT12 PR125 PRA12 PRB28 PRC18 "
    "PRD14 PRT22 PSG06 PSH14 PSL48 PSS05 PTH07 PV154 PV250 PYE07 QAK06 QCK01 QID02 QPD03 "
    "QRD12 QRF10 QRI03 RCP07 RDF02 RDT01 REL16 RF125 RFI04 RGS03 RMI03 ROL14 RQ107 RQD10 "
    "RX130 RXA29 RXC11 RXD35 RXE45 RXG33 RXO36 RXR06 RXV22 SAC44 SCD37 SCH27 SCP08 SDD07 "
    "SFT06 SGH02 SGT02 SHP11 SID04 SLT05 SPM32 SPR04 STF41 STZ04 TCC15 TCD08 TQ114 TQ210 "
    "TXA26 UAC02 UB123 UB217 URD07 URS09 VAR06 VND05 VTQ05 ";

constexpr std::array<std::uint8_t, kCodeCount> kFieldCountMax = [] {
  std::array<std::uint8_t, kCodeCount> table{};
  for (std::size_t at = 0; at < kSegments.size(); at += 6) {
    const int tens = kSegments[at + 3] - '0';
    const int ones = kSegments[at + 4] - '0';
    table[code_number(kSegments.substr(at, 3))] = static_cast<std::uint8_t>(tens * 10 + ones);
  }
  return table;
}();

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

SegmentFacts segment_facts(std::string_view id) {
  const std::size_t number = code_number(id);
  if (number == kCodeCount) return {SegmentKind::Malformed, 0};
  if (id.front() == 'Z') return {SegmentKind::Local, 0};
  const std::uint8_t most = kFieldCountMax[number];
  return {most == 0 ? SegmentKind::Unknown : SegmentKind::Standard, most};
}

bool same_segment_id(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

}  // namespace myelin::hl7v2
