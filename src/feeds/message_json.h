// A parsed message as JSON, straight from the parser's tables into one string.
//
//   {"segments":[{"id":"PID","fields":{"3":[repetition…]}}…]}
//
// A repetition is a list of components, a component a list of subcomponents, always; a subcomponent
// is a string with its escapes resolved, "" where nothing stands in its place, null for HL7's null
// (two quotation marks). A field that is empty or absent is no key. MSH-1 and MSH-2 stand there as
// they are.
#pragma once

#include <cstddef>
#include <string>

#include "feeds/message_view.h"

namespace myelin::feeds {

// False, with an unfinished text appended, as soon as `out` would pass `bytes_max` by more than a
// field's text.
bool append_message_json(std::string& out, const MessageView& view, std::size_t bytes_max);

}  // namespace myelin::feeds
