#include "formats/json_events.h"

#include <utility>

namespace revlm::formats {

Status JsonEvents::Read(std::string_view text, const std::string& source) {
  // nlohmann takes a NUL byte for the end of the text.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return base::MakeError(ErrorCode::kCorrupt,
                           "{}: invalid JSON at byte {}: NUL", source, nul + 1);
  }
  try {
    if (base::Json::sax_parse(text.begin(), text.end(), this)) return {};
  } catch (const base::Json::exception& e) {
    return base::MakeError(ErrorCode::kCorrupt, "{}: {}", source, e.what());
  }
  return base::WithContext(std::move(error_), source);
}

bool JsonEvents::parse_error(size_t position, const std::string&,
                             const nlohmann::detail::exception&) {
  return Fail(fmt::format("invalid JSON at byte {}", position));
}

bool JsonEvents::Fail(std::string problem, ErrorCode code) {
  if (error_.message.empty()) error_ = {code, std::move(problem)};
  return false;
}

bool JsonEvents::Unexpected(std::string_view what) {
  return Fail(fmt::format("unexpected {} {}", what, Place()));
}

}  // namespace revlm::formats
