#include "formats/kafka_protocol/alter_configs.h"
#include "formats/kafka_protocol/create_acls.h"
#include "formats/kafka_protocol/create_partitions.h"
#include "formats/kafka_protocol/create_topics.h"
#include "formats/kafka_protocol/delete_acls.h"
#include "formats/kafka_protocol/delete_topics.h"
#include "formats/kafka_protocol/describe_acls.h"
#include "formats/kafka_protocol/describe_configs.h"
#include "formats/kafka_protocol/incremental_alter_configs.h"
#include "formats/kafka_protocol/instantiate.h"
#include "formats/kafka_protocol/list_config_resources.h"

namespace myelin::kafka {

MYELIN_KAFKA_INSTANTIATE(CreateTopics);
MYELIN_KAFKA_INSTANTIATE(DeleteTopics);
MYELIN_KAFKA_INSTANTIATE(CreatePartitions);
MYELIN_KAFKA_INSTANTIATE(DescribeConfigs);
MYELIN_KAFKA_INSTANTIATE(AlterConfigs);
MYELIN_KAFKA_INSTANTIATE(IncrementalAlterConfigs);
MYELIN_KAFKA_INSTANTIATE(ListConfigResources);
MYELIN_KAFKA_INSTANTIATE(DescribeAcls);
MYELIN_KAFKA_INSTANTIATE(CreateAcls);
MYELIN_KAFKA_INSTANTIATE(DeleteAcls);

}  // namespace myelin::kafka
