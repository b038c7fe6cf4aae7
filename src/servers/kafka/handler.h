// Call, Handler: one request from its bytes to its response, and what answers it.
//
// Both belong to the request's session and run on its io thread; no lock. Requests of a connection
// are started in their order, one at a time, and finished in their order: a handler that has fixed
// its place (a produce request is numbered, a member has joined) returns from start(), and the next
// request starts while it waits in finish().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "formats/kafka_protocol/codec.h"
#include "formats/kafka_protocol/error.h"
#include "io/task.h"
#include "servers/kafka/memory_budget.h"

namespace myelin::kafka {

class KafkaServer;
class Session;

struct RequestBytes {
  std::unique_ptr<char[]> bytes;
  std::size_t size = 0;
  MemoryBudget::Share share;

  std::string_view view() const { return {bytes.get(), size}; }
};

class Call {
 public:
  static constexpr std::size_t kAnswerBytesMax = std::size_t{256} << 20;

  Call(Session& session, const Api& api, RequestBytes request, const DecodedHeader& header,
       SteadyTime received);

  Session& session() { return session_; }
  KafkaServer& server();
  const RequestHeader& header() const { return header_; }
  std::int16_t version() const { return header_.api_version; }
  const Api& api() const { return api_; }
  SteadyTime received() const { return received_; }
  // For what lives as long as the call. Throws ArenaFull beyond a limit on answers: the session
  // refuses the request then.
  Arena& arena() { return arena_; }

  // The request; views into the call. After an error the connection is to be closed.
  template <class Message>
  Result<Message> decode() {
    auto message = kafka::decode<Message>(body_, version(), arena_);
    arena_.set_bytes_max(kAnswerBytesMax);
    return message;
  }

  // The response, once.
  template <class Message>
  void answer(const Message& message) {
    answer(message, version());
  }
  template <class Message>
  void answer(const Message& message, std::int16_t version) {
    begin_answer(version);
    encode(message, version, output_);
    end_answer();
  }
  // Keeps what the response refers to until it is written.
  void keep(std::shared_ptr<const void> owner) { kept_.push_back(std::move(owner)); }
  void keep(MemoryBudget::Share share) { answer_share_ = std::move(share); }
  // The connection is to be closed: nothing else would be understood.
  void refuse(Error error) { refusal_ = std::move(error); }

  const std::optional<Error>& refusal() const { return refusal_; }
  const Output& output() const { return output_; }
  // What the answer takes until it is written, records that are not copied left out.
  std::size_t answer_bytes() const { return arena_.used_bytes() + output_.bytes().size(); }

 private:
  void begin_answer(std::int16_t version);
  void end_answer();

  Session& session_;
  const Api& api_;
  const RequestBytes request_;
  const RequestHeader header_;
  const std::string_view body_;
  const SteadyTime received_;
  Arena arena_;
  Output output_;
  std::vector<std::shared_ptr<const void>> kept_;
  MemoryBudget::Share answer_share_;
  std::optional<Error> refusal_;
};

class Handler {
 public:
  virtual ~Handler() = default;

  virtual io::Task<void> start(Call& call) = 0;
  // Afterwards the call is answered or refused, or has no answer (acks=0).
  virtual io::Task<void> finish(Call& call);
  // Once started: finish() would not wait.
  virtual bool is_ready() const { return false; }
};

// A handler that does all its work in start(): a function from request to response.
template <auto kAnswer>
class AnswerHandler;

template <class Request, class Response, io::Task<Response> (*kAnswer)(Call&, const Request&)>
class AnswerHandler<kAnswer> final : public Handler {
 public:
  io::Task<void> start(Call& call) override {
    const auto request = call.decode<Request>();
    if (!request) {
      call.refuse(request.error());
      co_return;
    }
    const Response response = co_await kAnswer(call, *request);
    call.answer(response);
  }
  bool is_ready() const override { return true; }
};

template <auto kAnswer>
std::unique_ptr<Handler> make_answer() {
  return std::make_unique<AnswerHandler<kAnswer>>();
}

// What an API's requests are answered by.
struct ApiEntry {
  const Api* api = nullptr;
  std::unique_ptr<Handler> (*make)() = nullptr;
  std::int16_t advertised_min = kNever;  // Where it is less than what is answered.

  std::int16_t min() const { return std::min(advertised_min, api->min); }
};

}  // namespace myelin::kafka
