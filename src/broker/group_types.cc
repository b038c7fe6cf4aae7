#include "broker/group_types.h"

namespace myelin::broker {

std::string_view to_string(GroupState state) {
  switch (state) {
    case GroupState::Empty: return "Empty";
    case GroupState::PreparingRebalance: return "PreparingRebalance";
    case GroupState::CompletingRebalance: return "CompletingRebalance";
    case GroupState::Stable: return "Stable";
    case GroupState::Dead: return "Dead";
  }
  return "Unknown";
}

std::string_view to_string(GroupError error) {
  switch (error) {
    case GroupError::None: return "none";
    case GroupError::CoordinatorLoading: return "coordinator-loading";
    case GroupError::CoordinatorNotAvailable: return "coordinator-not-available";
    case GroupError::NotCoordinator: return "not-coordinator";
    case GroupError::InvalidGroupId: return "invalid-group-id";
    case GroupError::InvalidRequest: return "invalid-request";
    case GroupError::InvalidSessionTimeout: return "invalid-session-timeout";
    case GroupError::InconsistentGroupProtocol: return "inconsistent-group-protocol";
    case GroupError::MemberIdRequired: return "member-id-required";
    case GroupError::UnknownMemberId: return "unknown-member-id";
    case GroupError::FencedInstanceId: return "fenced-instance-id";
    case GroupError::IllegalGeneration: return "illegal-generation";
    case GroupError::RebalanceInProgress: return "rebalance-in-progress";
    case GroupError::GroupMaxSizeReached: return "group-max-size-reached";
    case GroupError::OffsetMetadataTooLarge: return "offset-metadata-too-large";
    case GroupError::InvalidCommitOffsetSize: return "invalid-commit-offset-size";
    case GroupError::GroupIdNotFound: return "group-id-not-found";
    case GroupError::NonEmptyGroup: return "non-empty-group";
    case GroupError::GroupSubscribedToTopic: return "group-subscribed-to-topic";
    case GroupError::UnknownServerError: return "unknown-server-error";
  }
  return "unknown";
}

}  // namespace myelin::broker
