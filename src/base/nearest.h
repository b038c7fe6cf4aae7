// nearest_name: what a person probably meant by a name that does not exist.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace myelin {

// The known name with the fewest letters to change, add, drop or swap; empty when none is near
// enough to be worth a guess. Looks at names of at most 128 bytes.
std::string_view nearest_name(std::string_view wanted, std::span<const std::string> known);

// "; did you mean http.port?" or nothing: the end of an error's sentence.
std::string did_you_mean(std::string_view wanted, std::span<const std::string> known);

}  // namespace myelin
