// References of a library, read and compared with a fingerprint. One that
// cannot be read is passed over and named, so that it does not hide the others.
//
// Threads, memory and errors: as revlm/library.h says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "fingerprint/fingerprint.h"
#include "library/library.h"
#include "revlm/library.h"
#include "verify/identify.h"

namespace revlm {

// An error when `library` is empty.
Status CheckLibrary(const std::string& library);

// Makes what is missing, its folder too.
Result<library::Library> OpenToWrite(const std::string& path);

Result<fingerprint::Fingerprint> ParseReference(std::string_view revfp,
                                                const std::string& name);
Result<fingerprint::Fingerprint> ReadReference(const library::Library& library,
                                               const std::string& name);

// Whether it is one reference that cannot be read, not the library.
bool IsOfOneReference(const Error& error);

// A target beside each reference but those left out; `ids` in the same order.
struct Compared {
  std::vector<verify::Candidate> candidates;
  std::vector<int64_t> ids;
  std::vector<UnreadReference> unread;
};

Result<Compared> CompareWithAll(const fingerprint::Fingerprint& target,
                                const library::Library& library,
                                const std::vector<std::string>& except);

}  // namespace revlm
