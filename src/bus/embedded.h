// The embedded engine: the bus over our own broker in this process.
#pragma once

#include <memory>

#include "broker/broker.h"
#include "bus/bus.h"
#include "io/runtime.h"

namespace myelin::bus {

// Both outlive the bus, and the bus its subscriptions.
std::unique_ptr<Bus> make_embedded_bus(io::Runtime& runtime, broker::Broker& broker,
                                       const Clock& clock);

}  // namespace myelin::bus
