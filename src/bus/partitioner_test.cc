#include "bus/partitioner.h"

#include <gtest/gtest.h>

namespace myelin::bus {
namespace {

// The figures are what Kafka's own client gives (org.apache.kafka.common.utils.Utils.murmur2).
TEST(Partitioner, AgreesWithKafkasClients) {
  EXPECT_EQ(partition_of_key("21", 0x7fffffff).value, 1173551340);
  EXPECT_EQ(partition_of_key("foobar", 0x7fffffff).value, 1357151166);
  EXPECT_EQ(partition_of_key("a-little-bit-long-string", 0x7fffffff).value, 1161502112);
  EXPECT_EQ(partition_of_key("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 0x7fffffff).value,
            2088585677);
}

}  // namespace
}  // namespace myelin::bus
