// What a request for a stream asks for. Pure: from the request's parts to subscribe options.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "bus/types.h"
#include "io/http.h"

namespace myelin::stream {

// A topic's name, or one with '*' in it. InvalidInput says what is wrong with it: a character that
// no topic has, too long, the server's own (`__…`).
Status check_pattern(std::string_view pattern);

// Where the stream begins: the header Last-Event-ID before ?lastEventId= before ?from= (now,
// earliest, or an RFC 3339 time); now when none is given. Whether a cursor is one of this directory
// is the bus's to say. InvalidInput for anything else.
Result<bus::Start> parse_start(const http::Request& request);

// Both, for GET /events/{pattern}.
Result<bus::SubscribeOptions> parse_request(const http::Request& request);

}  // namespace myelin::stream
