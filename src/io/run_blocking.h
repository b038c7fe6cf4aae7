// run_blocking: a task waits for work on a pool of threads.
//
// Runtime::blocking is this for the runtime's own pool. A part whose calls may block for seconds (a
// client of another system) keeps a pool of its own, so that disk and SQL do not wait behind it.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

#include "io/blocking_pool.h"
#include "io/one_shot.h"
#include "io/task.h"

namespace myelin::io {

// Runs `work` on the pool, which outlives it, and resumes here with what it returned or threw.
// Canceling does not interrupt it: the caller's frame stays until the work is done, so `work` may
// hold references into it.
template <class Work>
Task<std::invoke_result_t<Work&>> run_blocking(BlockingPool& pool, Work work) {
  using Value = std::invoke_result_t<Work&>;
  if constexpr (std::is_void_v<Value>) {
    OneShot<std::exception_ptr> done;
    pool.submit([&] {
      std::exception_ptr thrown;
      try {
        work();
      } catch (...) {
        thrown = std::current_exception();
      }
      done.set(std::move(thrown));
    });
    const std::exception_ptr thrown = co_await done.wait_uncanceled();
    if (thrown) std::rethrow_exception(thrown);
  } else {
    OneShot<std::variant<Value, std::exception_ptr>> done;
    pool.submit([&] {
      try {
        done.set(std::variant<Value, std::exception_ptr>(std::in_place_index<0>, work()));
      } catch (...) {
        done.set(std::variant<Value, std::exception_ptr>(std::in_place_index<1>,
                                                         std::current_exception()));
      }
    });
    auto outcome = co_await done.wait_uncanceled();
    if (outcome.index() == 1) std::rethrow_exception(std::get<1>(outcome));
    co_return std::get<0>(std::move(outcome));
  }
}

}  // namespace myelin::io
