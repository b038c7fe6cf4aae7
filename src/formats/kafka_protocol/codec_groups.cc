#include "formats/kafka_protocol/delete_groups.h"
#include "formats/kafka_protocol/describe_groups.h"
#include "formats/kafka_protocol/find_coordinator.h"
#include "formats/kafka_protocol/heartbeat.h"
#include "formats/kafka_protocol/instantiate.h"
#include "formats/kafka_protocol/join_group.h"
#include "formats/kafka_protocol/leave_group.h"
#include "formats/kafka_protocol/list_groups.h"
#include "formats/kafka_protocol/offset_commit.h"
#include "formats/kafka_protocol/offset_delete.h"
#include "formats/kafka_protocol/offset_fetch.h"
#include "formats/kafka_protocol/sync_group.h"

namespace myelin::kafka {

MYELIN_KAFKA_INSTANTIATE(OffsetCommit);
MYELIN_KAFKA_INSTANTIATE(OffsetFetch);
MYELIN_KAFKA_INSTANTIATE(FindCoordinator);
MYELIN_KAFKA_INSTANTIATE(JoinGroup);
MYELIN_KAFKA_INSTANTIATE(Heartbeat);
MYELIN_KAFKA_INSTANTIATE(LeaveGroup);
MYELIN_KAFKA_INSTANTIATE(SyncGroup);
MYELIN_KAFKA_INSTANTIATE(DescribeGroups);
MYELIN_KAFKA_INSTANTIATE(ListGroups);
MYELIN_KAFKA_INSTANTIATE(DeleteGroups);
MYELIN_KAFKA_INSTANTIATE(OffsetDelete);

}  // namespace myelin::kafka
