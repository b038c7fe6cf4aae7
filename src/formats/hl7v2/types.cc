#include "formats/hl7v2/types.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

#include "formats/hl7v2/code.h"

namespace myelin::hl7v2 {

namespace {

// Three characters and a blank each. CCR, DRG, RDO and RRO are in the standard's message
// definitions but missing from its own table.
constexpr std::string_view kMessageTypes =
    "ACK ADR ADT ARD BAR BPS BRP BRT BTS CCF CCI CCM CCQ CCR CCU CNQ CQU CRM CSU DBC DBU DEL "
    "DEO DER DFT DOC DPR DRC DRG DSR EAC EAN EAR EDR EHC EQQ ERP ERQ ESR ESU INR INU LSR LSU "
    "MCF MDM MFD MFK MFN MFQ MFR NMD NMQ NMR OMB OMD OMG OMI OML OMN OMP OMQ OMS OPL OPR OPU "
    "ORA ORB ORD ORF ORG ORI ORL ORM ORN ORP ORR ORS ORU ORX OSM OSQ OSR OSU OUL PEX PGL PIN "
    "PMU PPG PPP PPR PPT PPV PRR PTR QBP QCK QCN QRY QSB QSX QVR RAR RAS RCI RCL RDE RDO RDR "
    "RDS RDY REF RER RGR RGV ROC ROD ROR RPA RPI RPL RPR RQA RQC RQI RQP RQQ RRA RRD RRE RRG "
    "RRI RRO RSP RTB SCN SDN SDR SIU SLN SLR SMD SPQ SQM SQR SRM SRR SSR SSU STC STI SUR TBR "
    "TCR TCU UDM VQQ VXQ VXR VXU VXX ";

constexpr std::string_view kEventTypes =
    "A01 A02 A03 A04 A05 A06 A07 A08 A09 A10 A11 A12 A13 A14 A15 A16 A17 A18 A19 A20 A21 A22 "
    "A23 A24 A25 A26 A27 A28 A29 A30 A31 A32 A33 A34 A35 A36 A37 A38 A39 A40 A41 A42 A43 A44 "
    "A45 A46 A47 A48 A49 A50 A51 A52 A53 A54 A55 A60 A61 A62 B01 B02 B03 B04 B05 B06 B07 B08 "
    "C01 C02 C03 C04 C05 C06 C07 C08 C09 C10 C11 C12 CNQ E01 E02 E03 E04 E10 E12 E13 E15 E20 "
    "E21 E22 E24 E30 E31 I01 I02 I03 I04 I05 I06 I07 I08 I09 I10 I11 I12 I13 I14 I15 I16 I17 "
    "I18 I19 I20 I21 I22 J01 J02 K11 K13 K15 K21 K22 K23 K24 K25 K31 K32 K33 K34 M01 M02 M03 "
    "M04 M05 M06 M07 M08 M09 M10 M11 M12 M13 M14 M15 M16 M17 M18 N01 N02 O01 O02 O03 O04 O05 "
    "O06 O07 O08 O09 O10 O11 O12 O13 O14 O15 O16 O17 O18 O19 O20 O21 O22 O23 O24 O25 O26 O27 "
    "O28 O29 O30 O31 O32 O33 O34 O35 O36 O37 O38 O39 O40 O41 O42 O43 O44 O45 O46 O47 O48 O49 "
    "O50 O51 O52 O53 O54 O55 O56 O57 O58 O59 P01 P02 P03 P04 P05 P06 P07 P08 P09 P10 P11 P12 "
    "PC1 PC2 PC3 PC4 PC5 PC6 PC7 PC8 PC9 PCA PCB PCC PCD PCE PCF PCG PCH PCJ PCK PCL Q01 Q02 "
    "Q03 Q04 Q05 Q06 Q07 Q08 Q09 Q11 Q13 Q15 Q16 Q17 Q21 Q22 Q23 Q24 Q25 Q26 Q27 Q28 Q29 Q30 "
    "Q31 Q32 Q33 Q34 R01 R02 R03 R04 R05 R06 R07 R08 R09 R0R R21 R22 R23 R24 R25 R26 R30 R31 "
    "R32 R33 R40 R41 R42 R43 RAR RDR RER RGR ROR S01 S02 S03 S04 S05 S06 S07 S08 S09 S10 S11 "
    "S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 S25 S26 S27 S28 S29 S30 S31 S32 S33 "
    "S34 S35 S36 S37 T01 T02 T03 T04 T05 T06 T07 T08 T09 T10 T11 T12 U01 U02 U03 U04 U05 U06 "
    "U07 U08 U09 U10 U11 U12 U13 U14 V01 V02 V03 V04 W01 W02 X01 Z73 Z74 Z75 Z76 Z77 Z78 Z79 "
    "Z80 Z81 Z82 Z83 Z84 Z85 Z86 Z87 Z88 Z89 Z90 Z91 Z92 Z93 Z94 Z95 Z96 Z97 Z98 Z99 ";

using CodeSet = std::array<std::uint64_t, kCodeCount / 64 + 1>;

constexpr CodeSet code_set(std::string_view codes) {
  CodeSet set{};
  for (std::size_t at = 0; at < codes.size(); at += 4) {
    const std::size_t number = code_number(codes.substr(at, 3));
    set[number / 64] |= std::uint64_t{1} << (number % 64);
  }
  return set;
}

constexpr CodeSet kMessageTypeSet = code_set(kMessageTypes);
constexpr CodeSet kEventTypeSet = code_set(kEventTypes);

bool contains(const CodeSet& set, std::string_view code) {
  const std::size_t number = code_number(code);
  return number != kCodeCount && (set[number / 64] >> (number % 64) & 1) != 0;
}

constexpr std::array<Version, 15> kVersions = {{{2, 1, 0},
                                                {2, 2, 0},
                                                {2, 3, 0},
                                                {2, 3, 1},
                                                {2, 4, 0},
                                                {2, 5, 0},
                                                {2, 5, 1},
                                                {2, 6, 0},
                                                {2, 7, 0},
                                                {2, 7, 1},
                                                {2, 8, 0},
                                                {2, 8, 1},
                                                {2, 8, 2},
                                                {2, 9, 0},
                                                {2, 9, 1}}};

// Takes a number of one or two digits from the front.
std::optional<std::uint8_t> take_number(std::string_view& text) {
  std::size_t digits = 0;
  unsigned value = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    value = value * 10 + static_cast<unsigned>(text[digits] - '0');
    if (++digits > 2) return std::nullopt;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return static_cast<std::uint8_t>(value);
}

}  // namespace

bool is_message_type(std::string_view code) { return contains(kMessageTypeSet, code); }

bool is_event_type(std::string_view code) { return contains(kEventTypeSet, code); }

std::optional<Version> parse_version(std::string_view text) {
  Version version;
  std::uint8_t* const parts[] = {&version.major, &version.minor, &version.patch};
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    if (i > 0) {
      if (text.empty() && i == 2) return version;
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    *parts[i] = *number;
  }
  if (!text.empty()) return std::nullopt;
  return version;
}

bool is_known_version(const Version& version) {
  return std::find(kVersions.begin(), kVersions.end(), version) != kVersions.end();
}

}  // namespace myelin::hl7v2
