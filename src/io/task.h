// Task<T>: a coroutine of ours, and the exceptions that unwind one.
//
// A task runs on one io thread from its first line to its last; two tasks of one thread never run
// at the same time. It is started by Runtime::spawn or TaskScope::spawn only, or awaited by another
// task. Parameters are values, or references that outlive the task; no lock and no reference into a
// container is held across a co_await.
//
// The executor is io_context's own type instead of any_io_executor: the waits of this module find
// their IoThread from it by a cast. Round trips cost the same with either (README.md).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>
#include <string>

namespace myelin::io {

using Executor = boost::asio::io_context::executor_type;

template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

inline constexpr boost::asio::use_awaitable_t<Executor> use_task{};

// The connection broke: reset, closed under a writer, unreachable. Thrown by io only; it ends the
// connection's task at its root, which is the function that spawned it, and is not an error there.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The task's scope is stopping. Thrown by io only and handled at the root like Broken. A task that
// was canceled throws at its next co_await too, so destructors do the cleaning up.
class Canceled : public std::runtime_error {
 public:
  Canceled() : std::runtime_error("canceled") {}
};

}  // namespace myelin::io
