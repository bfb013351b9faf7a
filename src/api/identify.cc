#include "verify/identify.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/fingerprint_source.h"
#include "api/references.h"
#include "base/clock.h"
#include "base/error.h"
#include "fingerprint/revfp.h"
#include "library/library.h"
#include "revlm/library.h"

namespace revlm {
namespace {

using fingerprint::Fingerprint;
using library::Access;
using library::Library;

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
    match.states = ReferenceMatch::States{
        .num_positions = found.num_positions,
        .mean_cka = found.mean_cka,
        .different_bits = candidate.different_bits.value_or(1),
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

// Compares the states of the closest. Their whole fingerprints are read for it;
// one that cannot be is no candidate, since nothing of it can be shown.
Status AddStates(const Fingerprint& target, const Library& library,
                 double alpha, verify::Identification& found,
                 std::vector<UnreadReference>& unread) {
  while (true) {
    const size_t num_unread = unread.size();
    for (const size_t i : verify::ClosestOf(found.candidates)) {
      verify::Candidate& candidate = found.candidates[i];
      if (candidate.states || !candidate.different_bits) continue;
      const Result<Fingerprint> reference =
          ReadReference(library, candidate.name);
      if (reference) {
        candidate.states = fingerprint::CompareStates(*reference, target);
      } else if (IsOfOneReference(reference.error())) {
        unread.push_back({candidate.name, reference.error().message});
      } else {
        return std::unexpected(reference.error());
      }
    }
    if (unread.size() == num_unread) return {};
    std::erase_if(found.candidates, [&](const verify::Candidate& candidate) {
      return std::ranges::find(unread, candidate.name,
                               &UnreadReference::name) != unread.end();
    });
    found = verify::Identify(std::move(found.candidates), alpha);
  }
}

// What the library says of the target.
Result<verify::Identification> Ask(const Library& library,
                                   const Fingerprint& target,
                                   const IdentifyOptions& options,
                                   IdentifyReport& report) {
  REVLM_ASSIGN_OR_RETURN(Compared compared,
                         CompareWithAll(target, library, options.except));
  verify::Identification found =
      verify::Identify(std::move(compared.candidates), options.alpha);
  report.unread = std::move(compared.unread);
  REVLM_TRY(AddStates(target, library, options.alpha, found, report.unread));
  REVLM_TRY(CountFalseMatches(library, options.alpha, report));
  return found;
}

}  // namespace

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
  IdentifyReport report;
  verify::Identification found;
  const Status asked = library.AtOneMoment([&]() -> Status {
    REVLM_ASSIGN_OR_RETURN(found,
                           Ask(library, target.fingerprint, options, report));
    return {};
  });
  if (!asked) return std::unexpected(asked.error());
  const bool is_whole = !target.fingerprint.states.empty();
  report.target = Summarize(
      target.fingerprint,
      is_whole ? fingerprint::ToRevfp(target.fingerprint) : std::string());
  for (const verify::Candidate& candidate : found.candidates) {
    report.candidates.push_back(MatchOf(candidate, target.layers));
  }
  if (found.is_known) report.match = report.candidates[0];
  report.alpha = options.alpha;
  report.z_needed = std::sqrt(-2 * found.log_p_needed);
  if (options.keep_sighting) {
    KeepSighting(options, SightingOf(report.target, found));
  }
  return report;
}

}  // namespace revlm
