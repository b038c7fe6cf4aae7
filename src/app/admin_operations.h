// AdminOperations: what the admin API asks for, from the broker, its log and the housekeeper.
//
// Thread-safe; blocks. All three outlive it, and every snapshot that it gave.
#pragma once

#include <memory>
#include <vector>

#include "api/admin/operations.h"
#include "broker/broker.h"
#include "log/housekeeping.h"

namespace myelin::app {

class AdminOperations final : public admin::Operations {
 public:
  AdminOperations(broker::Broker& broker, const log::Housekeeper& housekeeper)
      : broker_(broker), housekeeper_(housekeeper) {}

  admin::LogReport log_report() override;
  Result<std::shared_ptr<const admin::Snapshot>> take_snapshot() override;
  std::vector<admin::TopicReport> topics() override;
  Result<admin::TopicReport> topic(const bus::TopicName& name) override;
  Status check_config(const bus::TopicName& name, const admin::ConfigChanges& changes) override;
  Status configure(const bus::TopicName& name, const admin::ConfigChanges& changes) override;
  Status remove(const bus::TopicName& name) override;
  Result<bus::Offset> delete_records(const bus::TopicName& name, bus::PartitionIndex partition,
                                     bus::Offset before) override;

 private:
  admin::TopicReport report(const bus::TopicName& name, const log::Topic& topic) const;

  broker::Broker& broker_;
  const log::Housekeeper& housekeeper_;
};

}  // namespace myelin::app
