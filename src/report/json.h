// What all JSON documents of commands have in common.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace revlm::report {

// The members that every document has.
inline base::Json Document(std::string_view schema, int exit_code) {
  return {{"schema", schema}, {"verdict", nullptr}, {"exit_code", exit_code}};
}

// Absent things are null, so that every document has every member.
inline base::Json TextOrNull(const std::string& text) {
  return text.empty() ? base::Json() : base::Json(text);
}

}  // namespace revlm::report
