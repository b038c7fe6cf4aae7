#include "formats/kafka_protocol/delete_records.h"
#include "formats/kafka_protocol/describe_producers.h"
#include "formats/kafka_protocol/fetch.h"
#include "formats/kafka_protocol/init_producer_id.h"
#include "formats/kafka_protocol/instantiate.h"
#include "formats/kafka_protocol/list_offsets.h"
#include "formats/kafka_protocol/offset_for_leader_epoch.h"
#include "formats/kafka_protocol/produce.h"

namespace myelin::kafka {

MYELIN_KAFKA_INSTANTIATE(Produce);
MYELIN_KAFKA_INSTANTIATE(Fetch);
MYELIN_KAFKA_INSTANTIATE(ListOffsets);
MYELIN_KAFKA_INSTANTIATE(OffsetForLeaderEpoch);
MYELIN_KAFKA_INSTANTIATE(InitProducerId);
MYELIN_KAFKA_INSTANTIATE(DeleteRecords);
MYELIN_KAFKA_INSTANTIATE(DescribeProducers);

}  // namespace myelin::kafka
