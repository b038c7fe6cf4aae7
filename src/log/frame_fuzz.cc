// Any bytes as a frame's header or body: an error or what was written, never a crash; what decodes
// is the same again when it is encoded.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "log/frame.h"

namespace {

using namespace myelin;
using namespace myelin::log;

void check_header(std::string_view bytes) {
  const auto header = decode_frame_header(bytes);
  if (!header) return;
  const auto body = bytes.substr(kFrameHeaderBytes);
  std::string again(kFrameHeaderBytes, '\0');
  encode_frame_header(again.data(), *header, body);
  MYELIN_CHECK(frame_checks(again, body), "a header that was just written checks");
  if (!frame_checks(bytes, body)) return;
  // All but the room for a nonce, whose bytes are covered by the checksum but not kept.
  const auto read = decode_frame_header(again);
  MYELIN_CHECK(read && read->commit == header->commit && read->lap == header->lap,
               "a header is read back");
}

char* write(char* to, const BatchEntry& entry) { return write_batch_entry(to, entry); }
char* write(char* to, const TopicSpec& topic) { return write_create_topic(to, topic); }
char* write(char* to, const StoredEntry& entry) { return write_stored_entry(to, entry); }
char* write(char* to, const DeleteTopicEntry& entry) { return write_delete_topic(to, entry); }
char* write(char* to, const MoveStartEntry& entry) { return write_move_start(to, entry); }
char* write(char* to, const AddPartitionsEntry& entry) { return write_add_partitions(to, entry); }
char* write(char* to, const ConfigureTopicEntry& entry) {
  return write_configure_topic(to, entry.topic, entry.config);
}

void check_entries(std::string_view body) {
  for (const std::uint32_t count : {1u, 2u, 3u, 0xffffffffu}) {
    const auto entries = decode_entries(body, count);
    if (!entries) continue;
    MYELIN_CHECK(entries->size() == count, "as many entries as were asked for");
    std::string again(body.size(), '\0');
    char* at = again.data();
    for (const auto& entry : *entries)
      at = std::visit([&](const auto& e) { return write(at, e); }, entry);
    MYELIN_CHECK(again == body, "entries are written as they were read");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_header(bytes);
  check_entries(bytes);
  return 0;
}
