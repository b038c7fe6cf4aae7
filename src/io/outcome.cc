#include "io/outcome.h"

#include <cxxabi.h>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <cstdlib>
#include <memory>
#include <typeinfo>

#include "io/task.h"

namespace myelin::io {
namespace {

std::string type_name(const std::exception& thrown) {
  const char* const mangled = typeid(thrown).name();
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
  return status == 0 && name ? name.get() : mangled;
}

}  // namespace

std::optional<std::string> unexpected(const std::exception_ptr& outcome) {
  if (!outcome) return std::nullopt;
  try {
    std::rethrow_exception(outcome);
  } catch (const Broken&) {
    return std::nullopt;
  } catch (const Canceled&) {
    return std::nullopt;
  } catch (const boost::system::system_error& error) {
    // What asio itself throws at the next co_await of a canceled task.
    if (error.code() == boost::asio::error::operation_aborted) return std::nullopt;
    return type_name(error) + " " + error.code().message();
  } catch (const std::exception& error) {
    return type_name(error);
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace myelin::io
