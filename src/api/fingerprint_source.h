// Gets a fingerprint from where it is: a model that is run for it, a .revfp
// file, or a reference of the library.
//
// Threads, memory and errors: as revlm/library.h says.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "fingerprint/fingerprint.h"
#include "revlm/library.h"

namespace revlm {

struct Target {
  fingerprint::Fingerprint fingerprint;
  std::vector<uint32_t> layers;  // of the model, those of its weight sketch
  std::optional<std::string> reference;  // of the library, if it is one
};

// What is stored is a whole fingerprint, whatever the probe. `check`: of the
// name of a model before it is looked at, which may take long; may be empty.
using CheckName = std::function<Status(const std::string& name)>;
Result<Target> ObtainFingerprint(const FingerprintSource& source, Probe probe,
                                 const CheckName& check = {});

// `revfp`: its bytes; empty of one that is not whole.
FingerprintSummary Summarize(const fingerprint::Fingerprint& fingerprint,
                             std::string_view revfp);

}  // namespace revlm
