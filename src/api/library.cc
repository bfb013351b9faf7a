#include "revlm/library.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "api/fingerprint_source.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "fingerprint/revfp.h"
#include "library/library.h"
#include "verify/identify.h"

namespace revlm {
namespace {

using fingerprint::Fingerprint;
using library::Access;
using library::Library;
using library::ReferenceEntry;

Result<Library> OpenToWrite(const std::string& path) {
  const std::filesystem::path folder =
      std::filesystem::path(path).parent_path();
  std::error_code failed;
  if (!folder.empty()) std::filesystem::create_directories(folder, failed);
  if (failed) {
    return base::MakeError(ErrorCode::kUnavailable,
                           "making the folder of the library {}: {}", path,
                           failed.message());
  }
  return Library::Open(path, Access::kWrite);
}

Result<Fingerprint> ParseReference(std::string_view revfp,
                                   const std::string& name) {
  return fingerprint::FromRevfp(revfp, "of reference " + name);
}

Result<Fingerprint> ReadReference(const Library& library,
                                  const ReferenceEntry& entry) {
  REVLM_ASSIGN_OR_RETURN(const std::string revfp, library.ReadRevfp(entry.id));
  return ParseReference(revfp, entry.name);
}

// Whether it is this reference that cannot be read, not the library.
bool IsOfOneReference(const Error& error) {
  return error.code == ErrorCode::kCorrupt ||
         error.code == ErrorCode::kUnsupported;
}

// The target beside each reference but those left out; `ids` in the same order.
struct Compared {
  std::vector<verify::Candidate> candidates;
  std::vector<int64_t> ids;
  std::vector<UnreadReference> unread;
};

Result<Compared> CompareWithAll(const Fingerprint& target,
                                const Library& library,
                                const std::vector<std::string>& except) {
  REVLM_ASSIGN_OR_RETURN(const std::vector<ReferenceEntry> entries,
                         library.References());
  for (const std::string& name : except) {
    if (std::ranges::find(entries, name, &ReferenceEntry::name) !=
        entries.end()) {
      continue;
    }
    return base::MakeError(ErrorCode::kNotFound,
                           "leaving out {}: the library has no such reference",
                           name);
  }
  Compared compared;
  for (const ReferenceEntry& entry : entries) {
    if (std::ranges::find(except, entry.name) != except.end()) continue;
    const Result<Fingerprint> reference = ReadReference(library, entry);
    if (!reference) {
      if (!IsOfOneReference(reference.error())) {
        return std::unexpected(reference.error());
      }
      compared.unread.push_back({entry.name, reference.error().message});
      continue;
    }
    compared.candidates.push_back(
        verify::CompareWith(target, entry.name, entry.family, *reference));
    compared.ids.push_back(entry.id);
  }
  return compared;
}

// `layers`: of the target, those of its sketch.
ReferenceMatch MatchOf(const verify::Candidate& candidate,
                       const std::vector<uint32_t>& layers) {
  ReferenceMatch match = {.name = candidate.name,
                          .family = candidate.family,
                          .has_same_tensors = candidate.has_same_tensors};
  if (candidate.weights) {
    const fingerprint::WeightSimilarity& found = *candidate.weights;
    match.weights = ReferenceMatch::Weights{.z = found.z,
                                            .log_p = found.log_p,
                                            .num_units = found.num_units,
                                            .mean_cosine = found.mean_cosine};
    for (const auto& [reference_layer, target_layer] : found.layers) {
      match.weights->reference_layers.push_back(reference_layer);
      match.weights->target_layers.push_back(layers[target_layer]);
    }
  }
  if (candidate.states) {
    const fingerprint::StateSimilarity& found = *candidate.states;
    match.states =
        ReferenceMatch::States{.num_positions = found.num_positions,
                               .mean_cka = found.mean_cka,
                               .different_bits = found.hamming,
                               .first_other_bits = found.first_other_bits,
                               .first_apart = found.first_apart};
    for (const auto& depth : found.depths) {
      match.states->cka.push_back(depth.cka);
    }
  }
  return match;
}

// The candidate whose states are nearest.
const verify::Candidate* Nearest(
    const std::vector<verify::Candidate>& candidates) {
  const auto nearest =
      std::ranges::max_element(candidates, {}, &verify::Candidate::mean_cka);
  return nearest == candidates.end() || !nearest->states ? nullptr : &*nearest;
}

library::Sighting SightingOf(const FingerprintSummary& target,
                             const verify::Identification& found) {
  library::Sighting sighting = {
      .seen_utc = base::FormatUtc(base::SystemClock().Wall()),
      .target = target.name,
      .tensor_root = target.tensor_root};
  if (found.is_known) sighting.match = found.candidates[0].name;
  if (!found.candidates.empty()) sighting.log_p = found.candidates[0].log_p();
  if (const verify::Candidate* nearest = Nearest(found.candidates)) {
    sighting.nearest = nearest->name;
    sighting.mean_cka = nearest->mean_cka();
  }
  return sighting;
}

// A library that cannot be written to is no reason to say nothing.
void KeepSighting(const IdentifyOptions& options,
                  const library::Sighting& sighting) {
  auto library = Library::Open(options.from.library, Access::kWrite);
  const Status kept = library ? library->AddSighting(sighting)
                              : Status(std::unexpected(library.error()));
  if (kept || !options.from.on_event) return;
  RunEvent event;
  event.kind = RunEvent::Kind::kNotice;
  event.message = "what was found is not noted: " + kept.error().message;
  options.from.on_event(event);
}

Status CheckLibrary(const std::string& library) {
  if (!library.empty()) return {};
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "opening the library: it is not said where it is; "
                         "give --library");
}

Status CountFalseMatches(const Library& library, double alpha,
                         IdentifyReport& report) {
  REVLM_ASSIGN_OR_RETURN(const std::vector<library::PairBound> pairs,
                         library.ForeignPairs());
  std::map<int64_t, size_t> places;
  const auto place_of = [&](int64_t id) {
    return places.try_emplace(id, places.size()).first->second;
  };
  std::vector<verify::ForeignPair> foreign;
  for (const library::PairBound& pair : pairs) {
    const size_t a = place_of(pair.a);
    foreign.push_back({a, place_of(pair.b), pair.log_p});
  }
  REVLM_ASSIGN_OR_RETURN(
      const verify::FalseMatches found,
      verify::LeaveFamiliesOut(places.size(), foreign, alpha));
  report.num_left_out = found.num_trials;
  report.num_false_matches = found.num_false;
  report.false_match_limit = found.upper_limit;
  return {};
}

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
  return options.replace ? library.Replace(entry, revfp, bounds)
                         : library.Add(entry, revfp, bounds);
}

}  // namespace

Result<EnrollReport> Enroll(const EnrollOptions& options) {
  REVLM_ASSIGN_OR_RETURN(Target target,
                         ObtainFingerprint(options.from, Probe::kDeep));
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

Result<IdentifyReport> Identify(const IdentifyOptions& options) {
  if (!(options.alpha > 0 && options.alpha < 1)) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "identifying {}: found alpha {}, allowed is more "
                           "than 0 and less than 1",
                           options.from.target, options.alpha);
  }
  REVLM_TRY(CheckLibrary(options.from.library));
  REVLM_ASSIGN_OR_RETURN(const Library library,
                         Library::Open(options.from.library, Access::kRead));
  REVLM_ASSIGN_OR_RETURN(const Target target,
                         ObtainFingerprint(options.from, options.probe));
  REVLM_ASSIGN_OR_RETURN(
      Compared compared,
      CompareWithAll(target.fingerprint, library, options.except));
  const verify::Identification found =
      verify::Identify(std::move(compared.candidates), options.alpha);
  IdentifyReport report;
  const bool is_whole = !target.fingerprint.states.empty();
  report.target = Summarize(
      target.fingerprint,
      is_whole ? fingerprint::ToRevfp(target.fingerprint) : std::string());
  for (const verify::Candidate& candidate : found.candidates) {
    report.candidates.push_back(MatchOf(candidate, target.layers));
  }
  if (found.is_known) report.match = report.candidates[0];
  report.unread = std::move(compared.unread);
  report.alpha = options.alpha;
  report.z_needed = std::sqrt(-2 * found.log_p_needed);
  REVLM_TRY(CountFalseMatches(library, options.alpha, report));
  if (options.keep_sighting) {
    KeepSighting(options, SightingOf(report.target, found));
  }
  return report;
}

Result<LibraryReport> ListLibrary(const LibraryOptions& options) {
  REVLM_TRY(CheckLibrary(options.library));
  REVLM_ASSIGN_OR_RETURN(const Library library,
                         Library::Open(options.library, Access::kRead));
  LibraryReport report = {.library = options.library};
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
  return report;
}

}  // namespace revlm
