#include "servers/kafka/groups.h"

#include <algorithm>

#include "servers/kafka/session.h"

namespace myelin::kafka {
namespace {

constexpr std::chrono::milliseconds kTickPauseMin{1};
constexpr std::chrono::milliseconds kTickPauseMax{50};

}  // namespace

KafkaError kafka_error(broker::GroupError error) {
  using broker::GroupError;
  switch (error) {
    case GroupError::None: return KafkaError::None;
    case GroupError::CoordinatorLoading: return KafkaError::CoordinatorLoadInProgress;
    case GroupError::CoordinatorNotAvailable: return KafkaError::CoordinatorNotAvailable;
    case GroupError::NotCoordinator: return KafkaError::NotCoordinator;
    case GroupError::InvalidGroupId: return KafkaError::InvalidGroupId;
    case GroupError::InvalidRequest: return KafkaError::InvalidRequest;
    case GroupError::InvalidSessionTimeout: return KafkaError::InvalidSessionTimeout;
    case GroupError::InconsistentGroupProtocol: return KafkaError::InconsistentGroupProtocol;
    case GroupError::MemberIdRequired: return KafkaError::MemberIdRequired;
    case GroupError::UnknownMemberId: return KafkaError::UnknownMemberId;
    case GroupError::FencedInstanceId: return KafkaError::FencedInstanceId;
    case GroupError::IllegalGeneration: return KafkaError::IllegalGeneration;
    case GroupError::RebalanceInProgress: return KafkaError::RebalanceInProgress;
    case GroupError::GroupMaxSizeReached: return KafkaError::GroupMaxSizeReached;
    case GroupError::OffsetMetadataTooLarge: return KafkaError::OffsetMetadataTooLarge;
    case GroupError::InvalidCommitOffsetSize: return KafkaError::InvalidCommitOffsetSize;
    case GroupError::GroupIdNotFound: return KafkaError::GroupIdNotFound;
    case GroupError::NonEmptyGroup: return KafkaError::NonEmptyGroup;
    case GroupError::GroupSubscribedToTopic: return KafkaError::GroupSubscribedToTopic;
    case GroupError::UnknownServerError: break;
  }
  return KafkaError::UnknownServerError;
}

std::chrono::milliseconds until_groups_tick(SteadyTime now, SteadyTime next_due) {
  if (next_due >= now + kTickPauseMax) return kTickPauseMax;
  return std::max(kTickPauseMin, std::chrono::ceil<std::chrono::milliseconds>(next_due - now));
}

bool may_use_group(Call& call, security::Operation operation, std::string_view group_id) {
  return call.session().may(operation, security::Resource::group(group_id));
}

}  // namespace myelin::kafka
