// Every API that this server answers: one line each in catalogue.cc.
#pragma once

#include <span>

#include "servers/kafka/handler.h"

namespace myelin::kafka {

// By key.
std::span<const ApiEntry> all_entries();
// Null for a key that is not answered.
const ApiEntry* find_entry(std::int16_t key);

}  // namespace myelin::kafka
