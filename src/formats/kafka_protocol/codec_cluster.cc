#include "formats/kafka_protocol/alter_partition_reassignments.h"
#include "formats/kafka_protocol/api_versions.h"
#include "formats/kafka_protocol/describe_cluster.h"
#include "formats/kafka_protocol/describe_log_dirs.h"
#include "formats/kafka_protocol/describe_quorum.h"
#include "formats/kafka_protocol/describe_topic_partitions.h"
#include "formats/kafka_protocol/elect_leaders.h"
#include "formats/kafka_protocol/instantiate.h"
#include "formats/kafka_protocol/list_partition_reassignments.h"
#include "formats/kafka_protocol/metadata.h"
#include "formats/kafka_protocol/sasl_authenticate.h"
#include "formats/kafka_protocol/sasl_handshake.h"

namespace myelin::kafka {

MYELIN_KAFKA_INSTANTIATE(Metadata);
MYELIN_KAFKA_INSTANTIATE(ApiVersions);
MYELIN_KAFKA_INSTANTIATE(DescribeCluster);
MYELIN_KAFKA_INSTANTIATE(DescribeQuorum);
MYELIN_KAFKA_INSTANTIATE(DescribeLogDirs);
MYELIN_KAFKA_INSTANTIATE(DescribeTopicPartitions);
MYELIN_KAFKA_INSTANTIATE(ElectLeaders);
MYELIN_KAFKA_INSTANTIATE(AlterPartitionReassignments);
MYELIN_KAFKA_INSTANTIATE(ListPartitionReassignments);
MYELIN_KAFKA_INSTANTIATE(SaslHandshake);
MYELIN_KAFKA_INSTANTIATE(SaslAuthenticate);

}  // namespace myelin::kafka
