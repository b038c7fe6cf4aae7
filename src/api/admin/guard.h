// Who may speak to the admin API at all. Pure functions of a request's head.
//
// It has no login yet, so it serves this machine alone: neither another machine (also not through a
// proxy here) nor a web page that a browser on this machine has open.
#pragma once

#include "base/result.h"
#include "io/http.h"

namespace myelin::admin {

// A request that changes something carries this header with the value "1". A page of another origin
// cannot send it without asking the server first, which answers no such question.
inline constexpr std::string_view kIntentHeader = "Myelin-Admin";

// Forbidden unless the peer is on loopback and speaks for itself.
Status check_local(const http::Request& request);
// Forbidden without the header, or from a page of another origin.
Status check_intent(const http::Request& request);

}  // namespace myelin::admin
