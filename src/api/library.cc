#include "revlm/library.h"

#include <string>
#include <utility>
#include <vector>

#include "api/fingerprint_source.h"
#include "api/references.h"
#include "base/error.h"
#include "library/library.h"

namespace revlm {
namespace {

using fingerprint::Fingerprint;
using library::Access;
using library::Library;
using library::ReferenceEntry;

Result<LibraryReport::Reference> Describe(const Library& library,
                                          const ReferenceEntry& entry) {
  LibraryReport::Reference reference = {
      .name = entry.name,
      .family = entry.family,
      .is_family_named = entry.is_family_named,
      .enrolled_utc = entry.enrolled_utc};
  const Result<std::string> revfp = library.ReadRevfp(entry.id);
  const Result<Fingerprint> fingerprint =
      revfp ? ParseReference(*revfp, entry.name)
            : Result<Fingerprint>(std::unexpected(revfp.error()));
  if (fingerprint) {
    reference.fingerprint = Summarize(*fingerprint, *revfp);
  } else if (IsOfOneReference(fingerprint.error())) {
    reference.defect = fingerprint.error().message;
  } else {
    return std::unexpected(fingerprint.error());
  }
  return reference;
}

Status ListInto(const Library& library, const LibraryOptions& options,
                LibraryReport& report) {
  if (options.references) {
    REVLM_ASSIGN_OR_RETURN(const std::vector<ReferenceEntry> entries,
                           library.References());
    for (const ReferenceEntry& entry : entries) {
      REVLM_ASSIGN_OR_RETURN(LibraryReport::Reference reference,
                             Describe(library, entry));
      report.references.push_back(std::move(reference));
    }
  }
  if (options.sightings) {
    REVLM_ASSIGN_OR_RETURN(const std::vector<library::Sighting> sightings,
                           library.Sightings(options.max_sightings));
    for (const library::Sighting& sighting : sightings) {
      report.sightings.push_back({.seen_utc = sighting.seen_utc,
                                  .target = sighting.target,
                                  .tensor_root = sighting.tensor_root,
                                  .match = sighting.match,
                                  .nearest = sighting.nearest,
                                  .log_p = sighting.log_p,
                                  .mean_cka = sighting.mean_cka});
    }
  }
  return {};
}

}  // namespace

Result<LibraryReport> ListLibrary(const LibraryOptions& options) {
  REVLM_TRY(CheckLibrary(options.library));
  REVLM_ASSIGN_OR_RETURN(const Library library,
                         Library::Open(options.library, Access::kRead));
  LibraryReport report = {.library = options.library};
  REVLM_TRY(
      library.AtOneMoment([&] { return ListInto(library, options, report); }));
  return report;
}

}  // namespace revlm
