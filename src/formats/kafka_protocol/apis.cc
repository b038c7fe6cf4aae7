#include "formats/kafka_protocol/apis.h"

#include <algorithm>
#include <array>

namespace myelin::kafka {

const Api* find_api(std::int16_t key) {
#define MYELIN_KAFKA_API(Name) &k##Name,
  static constexpr std::array kAll{MYELIN_KAFKA_APIS(MYELIN_KAFKA_API)};
#undef MYELIN_KAFKA_API
  const auto found = std::lower_bound(
      kAll.begin(), kAll.end(), key, [](const Api* api, auto wanted) { return api->key < wanted; });
  return found == kAll.end() || (*found)->key != key ? nullptr : *found;
}

}  // namespace myelin::kafka
