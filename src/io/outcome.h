// How a task or a handler ended, for those at the roots who look at it.
#pragma once

#include <exception>
#include <optional>
#include <string>

namespace myelin::io {

// Nothing for an ordinary end: no exception, Broken, Canceled. Otherwise the exception's type, for
// a log line; never its text, which may hold what a peer sent.
std::optional<std::string> unexpected(const std::exception_ptr& outcome);

}  // namespace myelin::io
