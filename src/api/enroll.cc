#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/fingerprint_source.h"
#include "api/references.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "fingerprint/revfp.h"
#include "library/library.h"
#include "revlm/library.h"
#include "verify/identify.h"

namespace revlm {
namespace {

using fingerprint::Fingerprint;
using library::Library;
using library::ReferenceEntry;

// Puts the family into `entry`: the one that is named, else that of the
// reference that is replaced, else that of the one it comes from, else its own.
void SetFamily(const EnrollOptions& options,
               const std::optional<ReferenceEntry>& replaced,
               const verify::Identification& found, ReferenceEntry& entry) {
  if (!options.family.empty()) {
    entry.family = options.family;
    entry.is_family_named = true;
  } else if (replaced) {
    entry.family = replaced->family;
    entry.is_family_named = replaced->is_family_named;
  } else {
    entry.family = found.is_known ? found.candidates[0].family : entry.name;
  }
}

// Refuses a name that the library has already.
Status CheckFree(const EnrollOptions& options, const std::string& name) {
  const std::string& path = options.from.library;
  if (options.replace || path.empty() ||
      base::KindOfPath(path) == base::PathKind::kAbsent) {
    return {};
  }
  REVLM_ASSIGN_OR_RETURN(const Library library,
                         Library::Open(path, library::Access::kRead));
  return library.CheckFree(name);
}

// Adds the fingerprint, with its bounds beside all others.
Status AddToLibrary(const Fingerprint& fingerprint, const std::string& revfp,
                    const EnrollOptions& options, EnrollReport& report) {
  const std::string& name = fingerprint.model.name;
  REVLM_ASSIGN_OR_RETURN(Library library, OpenToWrite(options.from.library));
  REVLM_ASSIGN_OR_RETURN(auto replaced, library.Find(name));
  if (!options.replace) replaced.reset();
  std::vector<std::string> except;
  if (replaced) except.push_back(name);
  REVLM_ASSIGN_OR_RETURN(const Compared compared,
                         CompareWithAll(fingerprint, library, except));
  std::vector<std::pair<int64_t, double>> bounds;
  for (size_t i = 0; i < compared.ids.size(); ++i) {
    bounds.emplace_back(compared.ids[i], compared.candidates[i].log_p());
  }
  const verify::Identification found =
      verify::Identify(compared.candidates, IdentifyOptions().alpha);
  if (found.is_known) report.derived_from = found.candidates[0].name;
  report.unread = compared.unread;
  ReferenceEntry entry = {
      .name = name,
      .enrolled_utc = base::FormatUtc(base::SystemClock().Wall())};
  SetFamily(options, replaced, found, entry);
  report.family = entry.family;
  report.is_family_named = entry.is_family_named;
  report.library = options.from.library;
  const std::string brief =
      fingerprint::ToBytes(fingerprint::BriefOf(fingerprint));
  const library::StoredFingerprint stored = {.revfp = revfp, .brief = brief};
  return options.replace ? library.Replace(entry, stored, bounds)
                         : library.Add(entry, stored, bounds);
}

}  // namespace

Result<EnrollReport> Enroll(const EnrollOptions& options) {
  const auto check = [&](const std::string& name) {
    return CheckFree(options, options.name.empty() ? name : options.name);
  };
  REVLM_ASSIGN_OR_RETURN(Target target,
                         ObtainFingerprint(options.from, Probe::kDeep, check));
  Fingerprint& fingerprint = target.fingerprint;
  // A reference that is there already, and only its file is wanted.
  const bool is_export =
      target.reference && !options.output_file.empty() &&
      options.family.empty() &&
      (options.name.empty() || options.name == *target.reference);
  if (!options.name.empty()) fingerprint.model.name = options.name;
  const std::string revfp = fingerprint::ToRevfp(fingerprint);
  EnrollReport report;
  report.fingerprint = Summarize(fingerprint, revfp);
  if (!options.output_file.empty()) {
    REVLM_TRY(base::WriteFileAtomically(options.output_file, revfp));
    report.output_file = options.output_file;
  }
  if (!options.from.library.empty() && !is_export) {
    REVLM_TRY(AddToLibrary(fingerprint, revfp, options, report));
  }
  return report;
}

}  // namespace revlm
