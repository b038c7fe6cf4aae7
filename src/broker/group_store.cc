#include "broker/group_store.h"

namespace myelin::broker {

GroupError group_error_of(const Status& stored) {
  if (stored) return GroupError::None;
  switch (stored.error().code()) {
    case ErrorCode::Exhausted:
    case ErrorCode::Unavailable: return GroupError::CoordinatorNotAvailable;
    case ErrorCode::Canceled: return GroupError::NotCoordinator;
    case ErrorCode::InvalidInput:
    case ErrorCode::NotFound:
    case ErrorCode::Conflict:
    case ErrorCode::Unauthenticated:
    case ErrorCode::Forbidden:
    case ErrorCode::Corrupt:
    case ErrorCode::Internal: return GroupError::UnknownServerError;
  }
  return GroupError::UnknownServerError;
}

}  // namespace myelin::broker
