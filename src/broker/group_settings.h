// GroupSettings: how long groups wait and remember, and what one of them may take.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/settings.h"

namespace myelin::broker {

// Ten years.
inline constexpr double kGroupTimeMsMax = 3.15e11;

struct GroupSettings {
  std::chrono::milliseconds initial_rebalance_delay{3'000};
  std::chrono::milliseconds session_timeout_min{6'000};
  std::chrono::milliseconds session_timeout_max{1'800'000};
  std::chrono::milliseconds new_member_join_timeout{300'000};
  std::chrono::milliseconds offsets_retention{std::chrono::hours(24 * 7)};
  std::chrono::milliseconds offsets_retention_check_interval{600'000};
  std::uint32_t groups_max = 100'000;
  std::uint32_t members_max = 5'000;
  std::uint32_t protocols_max = 100;
  ByteSize protocols_bytes_max = 1_MiB;
  std::uint32_t name_bytes_max = 1'024;
  std::uint32_t offset_metadata_bytes_max = 4'096;

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.field("initial_rebalance_delay", initial_rebalance_delay,
                  "How long a group that was empty waits for more members, and again after each.",
                  {.min = 0, .max = kGroupTimeMsMax});
    visitor.field("session_timeout_min", session_timeout_min,
                  "A member that asks for a shorter session is refused.",
                  {.min = 1, .max = kGroupTimeMsMax});
    visitor.field("session_timeout_max", session_timeout_max,
                  "A member that asks for a longer session is refused.",
                  {.min = 1, .max = 2'147'483'647});
    visitor.field("new_member_join_timeout", new_member_join_timeout,
                  "A new member's first join waits no longer than this.",
                  {.min = 1, .max = kGroupTimeMsMax});
    visitor.field("offsets_retention", offsets_retention,
                  "Offsets are kept this long after their group became empty, or, where they have "
                  "no group or no subscriber, after their commit.",
                  {.min = 1, .max = kGroupTimeMsMax});
    visitor.field("offsets_retention_check_interval", offsets_retention_check_interval,
                  "How soon what may have gone is looked at again.",
                  {.min = 1, .max = kGroupTimeMsMax});
    visitor.field("groups_max", groups_max, "Groups; beyond it new ones are refused.");
    visitor.field("members_max", members_max, "Members of one group.", {.min = 1});
    visitor.field("protocols_max", protocols_max, "Protocols that a member may offer.", {.min = 1});
    visitor.field("protocols_bytes_max", protocols_bytes_max,
                  "Names and metadata of all protocols that a member offers.");
    visitor.field("name_bytes_max", name_bytes_max,
                  "Ids of groups, instances and clients, and names of protocol types.",
                  {.min = 1, .max = 16'384});
    visitor.field("offset_metadata_bytes_max", offset_metadata_bytes_max,
                  "What a client may note beside a committed offset.", {.max = 32'767});
  }
};

}  // namespace myelin::broker
