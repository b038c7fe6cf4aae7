#include "formats/kafka_protocol/codec.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "formats/kafka_protocol/message_test_support.h"

namespace myelin::kafka {
namespace {

// A message as Apache Kafka writes it.
struct Sample {
  std::string api;
  std::string direction;
  std::int16_t version = 0;
  std::string bytes;

  std::string name() const { return api + " " + direction + " " + std::to_string(version); }
};

std::vector<Sample> read_samples(const std::string& name = "messages.txt") {
  std::vector<Sample> samples;
  std::ifstream file(MYELIN_TESTDATA "/" + name);
  for (Sample sample; file >> sample.api >> sample.direction >> sample.version;) {
    std::string line;
    std::getline(file, line);  // An empty message has no hexadecimal digits.
    std::string hex;
    std::istringstream(line) >> hex;
    sample.bytes.clear();
    for (std::size_t i = 0; i < hex.size(); i += 2)
      sample.bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    samples.push_back(sample);
  }
  return samples;
}

// Decodes and encodes again.
using Again = std::function<Result<std::string>(std::string_view, std::int16_t)>;

template <class Message>
Result<std::string> again(std::string_view bytes, std::int16_t version) {
  Arena arena;
  MYELIN_TRY(message, decode<Message>(bytes, version, arena));
  return encoded(message, version);
}

const Again& again_for(const Sample& sample) {
  static const std::map<std::string, Again> all{
#define MYELIN_BOTH(Api) \
  {#Api " request", again<Api##Request>}, {#Api " response", again<Api##Response>},
      MYELIN_KAFKA_APIS(MYELIN_BOTH)
#undef MYELIN_BOTH
  };
  return all.at(sample.api + " " + sample.direction);
}

template <class Message>
class EachMessage : public testing::Test {};

#define MYELIN_REQUEST_AND_RESPONSE(Api) , Api##Request, Api##Response
template <class First, class... Rest>
using TypesBehind = testing::Types<Rest...>;
using AllMessages = TypesBehind<void MYELIN_KAFKA_APIS(MYELIN_REQUEST_AND_RESPONSE)>;
#undef MYELIN_REQUEST_AND_RESPONSE
TYPED_TEST_SUITE(EachMessage, AllMessages);

TYPED_TEST(EachMessage, ComesBackAsTheSameBytesInEveryVersion) {
  for (auto version = TypeParam::kApi.min; version <= TypeParam::kApi.max; ++version) {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
      Arena arena;
      const auto message = random_message<TypeParam>(seed, version, arena);
      const auto bytes = encoded(message, version);
      const auto decoded = decode<TypeParam>(bytes, version, arena);
      ASSERT_TRUE(decoded) << decoded.error().message() << " version " << version;
      EXPECT_EQ(encoded(*decoded, version), bytes) << "version " << version << " seed " << seed;
    }
  }
}

TEST(KafkaCodec, ReadsAndWritesTheBytesThatKafkaItselfWrites) {
  const auto samples = read_samples();
  ASSERT_GT(samples.size(), 1000u);
  for (const auto& sample : samples) {
    const auto bytes = again_for(sample)(sample.bytes, sample.version);
    ASSERT_TRUE(bytes) << sample.name() << ": " << bytes.error().message();
    EXPECT_EQ(*bytes, sample.bytes) << sample.name();
  }
}

TEST(KafkaCodec, ReadsAndWritesTheBytesThatClientsAndApacheKafkaExchange) {
  const auto samples = read_samples("captured.txt");
  ASSERT_GT(samples.size(), 100u);
  for (const auto& sample : samples) {
    const auto bytes = again_for(sample)(sample.bytes, sample.version);
    ASSERT_TRUE(bytes) << sample.name() << ": " << bytes.error().message();
    EXPECT_EQ(*bytes, sample.bytes) << sample.name();
  }
}

TEST(KafkaCodec, HasSamplesOfEveryVersionOfEveryMessage) {
  std::map<std::string, int> count;
  for (const auto& sample : read_samples()) ++count[sample.name()];
#define MYELIN_COUNT(Api)                                                        \
  for (auto version = k##Api.min; version <= k##Api.max; ++version) {            \
    EXPECT_EQ(count[#Api " request " + std::to_string(version)], 3) << version;  \
    EXPECT_EQ(count[#Api " response " + std::to_string(version)], 3) << version; \
  }
  MYELIN_KAFKA_APIS(MYELIN_COUNT)
#undef MYELIN_COUNT
}

TEST(KafkaCodec, HasBeenHeldAgainstWhatWasSaidOfEveryApi) {
  std::set<std::string> said;
  for (const auto& sample : read_samples("captured.txt"))
    said.insert(sample.name().substr(0, sample.name().rfind(' ')));
#define MYELIN_SAID(Api)                       \
  EXPECT_TRUE(said.contains(#Api " request")); \
  EXPECT_TRUE(said.contains(#Api " response"));
  MYELIN_KAFKA_APIS(MYELIN_SAID)
#undef MYELIN_SAID
}

TEST(KafkaCodec, RefusesEveryMessageThatIsCutShort) {
  for (const auto& sample : read_samples()) {
    for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
      const auto bytes = again_for(sample)(sample.bytes.substr(0, size), sample.version);
      ASSERT_FALSE(bytes) << sample.name() << " cut to " << size;
      ASSERT_EQ(bytes.error().code(), ErrorCode::InvalidInput) << sample.name();
    }
  }
}

TEST(KafkaCodec, NamesTheFieldThatDoesNotFit) {
  Arena arena;
  ProduceRequest request;
  auto& topic = request.topic_data.add(arena);
  topic.name = "labs";
  topic.partition_data.add(arena);
  topic.partition_data.add(arena).records = {List<std::string_view>(), false};
  auto bytes = encoded(request, 9);
  bytes.resize(bytes.size() - 4);
  const auto decoded = decode<ProduceRequest>(bytes, 9, arena);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().message(),
            "topic_data[0].partition_data[1].records ends within the field (byte 24)");
}

TEST(KafkaCodec, RefusesACountThatIsLargerThanTheMessage) {
  std::string bytes(4, '\x7f');
  Arena arena;
  const auto decoded = decode<DescribeGroupsRequest>(bytes, 0, arena);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().message(), "groups says that it holds more than there is (byte 4)");
}

TEST(KafkaCodec, RefusesAMessageThatTakesMoreThanTheArenaGives) {
  DeleteGroupsRequest request;
  Arena all;
  for (int i = 0; i < 1000; ++i) request.groups_names.add(all, "g");
  Arena small(1000);
  const auto decoded = decode<DeleteGroupsRequest>(encoded(request, 2), 2, small);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code(), ErrorCode::Exhausted);
}

TEST(KafkaCodec, PassesOverTaggedFieldsThatItDoesNotKnow) {
  Arena arena;
  const auto decoded =
      decode<ListGroupsRequest>(std::string_view("\x01\x01\x02\x63\x01x\x64\x00", 8), 5, arena);
  ASSERT_TRUE(decoded) << decoded.error().message();
}

TEST(KafkaCodec, LeavesRecordsWhereTheyAre) {
  const std::string batch(5000, 'r');
  Arena arena;
  FetchResponse response;
  auto& partition = response.responses.add(arena).partitions.add(arena);
  partition.records.is_null = false;
  partition.records.pieces.add(arena, batch);
  Output output;
  encode(response, 12, output);
  EXPECT_LT(output.bytes().size(), 100u);
  bool is_there = false;
  for (const auto part : output.parts()) is_there = is_there || part.data() == batch.data();
  EXPECT_TRUE(is_there);
  EXPECT_EQ(output.size_bytes(), output.to_string().size());
}

TEST(KafkaHeaders, ComeBackInEveryForm) {
  for (const std::int16_t version : {std::int16_t{3}, std::int16_t{9}}) {
    const RequestHeader header{
        .api_key = 0, .api_version = version, .correlation_id = 7, .client_id = "lab"};
    std::string bytes;
    encode_request_header(header, kProduce, bytes);
    const auto decoded = decode_request_header(bytes, kProduce);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->header.client_id, "lab");
    EXPECT_EQ(decoded->header.correlation_id, 7);
    EXPECT_EQ(decoded->size_bytes, bytes.size());
    EXPECT_EQ(bytes.size(), version == 9 ? 14u : 13u);
  }
}

TEST(KafkaHeaders, OfApiVersionsResponsesNeverHaveTags) {
  std::string bytes;
  encode_response_header(1, kApiVersions, 4, bytes);
  EXPECT_EQ(bytes.size(), 4u);
  encode_response_header(1, kProduce, 9, bytes);
  EXPECT_EQ(bytes.size(), 9u);
}

TEST(KafkaApis, AreFoundByKey) {
  EXPECT_EQ(find_api(0), &kProduce);
  EXPECT_EQ(find_api(75), &kDescribeTopicPartitions);
  EXPECT_EQ(find_api(4), nullptr);
  EXPECT_EQ(find_api(-1), nullptr);
  EXPECT_EQ(find_api(3000), nullptr);
}

}  // namespace
}  // namespace myelin::kafka
