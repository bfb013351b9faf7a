#include "api/fingerprint_source.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "crypto/sha256.h"
#include "fingerprint/alignment.h"
#include "fingerprint/revfp.h"
#include "library/library.h"
#include "memory/budget.h"
#include "memory/limit.h"
#include "memory/process_memory.h"
#include "run/host.h"
#include "run/model.h"
#include "verify/model_fingerprint.h"

namespace revlm {
namespace {

using fingerprint::Fingerprint;

constexpr std::string_view kStored = "ref:";

Result<Fingerprint> ReadFile(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         base::OpenFile(path, base::Caching::kPageCache));
  REVLM_ASSIGN_OR_RETURN(
      const std::string bytes,
      base::ReadWholeFile(file, fingerprint::kMaxRevfpBytes));
  return fingerprint::FromRevfp(bytes, path);
}

Target WholeTarget(Fingerprint fingerprint) {
  Target target = {.fingerprint = std::move(fingerprint)};
  target.layers.resize(target.fingerprint.weights.num_layers());
  std::iota(target.layers.begin(), target.layers.end(), 0);
  return target;
}

Result<Target> ReadStored(const std::string& what,
                          const std::string& library_path) {
  if (base::KindOfPath(what) == base::PathKind::kFile) {
    REVLM_ASSIGN_OR_RETURN(Fingerprint fingerprint, ReadFile(what));
    return WholeTarget(std::move(fingerprint));
  }
  if (what.ends_with(".revfp") || library_path.empty()) {
    return base::MakeError(ErrorCode::kNotFound,
                           "reading the fingerprint {}: there is no such file",
                           what);
  }
  REVLM_ASSIGN_OR_RETURN(
      const library::Library library,
      library::Library::Open(library_path, library::Access::kRead));
  REVLM_ASSIGN_OR_RETURN(const auto entry, library.Find(what));
  if (!entry) {
    return base::MakeError(ErrorCode::kNotFound,
                           "reading the fingerprint {}: it is no file, and the "
                           "library {} has no reference of that name; see "
                           "revlm ls refs",
                           what, library_path);
  }
  REVLM_ASSIGN_OR_RETURN(const std::string bytes, library.ReadRevfp(entry->id));
  REVLM_ASSIGN_OR_RETURN(Fingerprint fingerprint,
                         fingerprint::FromRevfp(bytes, "of reference " + what));
  Target target = WholeTarget(std::move(fingerprint));
  target.reference = what;
  return target;
}

RunEvent EventOf(const engine::Progress& progress, const std::string& model,
                 double seconds) {
  RunEvent event;
  event.model = model;
  const bool is_done = progress.num_complete == progress.num_requests;
  event.phase = is_done ? "done" : "prefill";
  event.layer = progress.slab_idx;
  event.num_layers = progress.num_slabs;
  event.num_finished = progress.num_complete;
  event.num_total = progress.num_requests;
  event.unit = "prompts";
  const double in_pass =
      progress.num_slabs == 0
          ? 0
          : static_cast<double>(progress.slab_idx) / progress.num_slabs;
  event.fraction = std::min(
      1.0, (progress.num_complete + in_pass) /
               static_cast<double>(std::max(progress.num_requests, 1)));
  event.seconds = seconds;
  return event;
}

// What of the limit is left for large things beside what is held already.
Result<uint64_t> BudgetBytes(const FingerprintSource& source) {
  const uint64_t held = memory::ReadProcessMemory().anonymous_bytes;
  REVLM_ASSIGN_OR_RETURN(
      const memory::Limit limit,
      run::ProcessLimit(source.memory_limit_bytes, source.memory_strict));
  if (source.on_event && source.memory_limit_bytes && limit.is_reduced) {
    RunEvent event;
    event.kind = RunEvent::Kind::kNotice;
    event.message = limit.notice;
    source.on_event(event);
  }
  const uint64_t taken = held + memory::ReserveBytes(limit.limit_bytes);
  return limit.limit_bytes - std::min(limit.limit_bytes, taken);
}

Result<Target> LookAtModel(const FingerprintSource& source, Probe probe,
                           const CheckName& check) {
  REVLM_ASSIGN_OR_RETURN(const uint64_t budget_bytes, BudgetBytes(source));
  memory::Budget budget(budget_bytes);
  RunOptions options;
  options.environment = source.environment;
  options.dtype = source.dtype;
  options.num_threads = source.num_threads;
  options.batch_size = source.batch_size;
  options.keep_weights = source.keep_weights;
  // Nothing is generated: no keys and values wait on disk.
  REVLM_ASSIGN_OR_RETURN(run::Model model,
                         run::LoadModel(source.target, options, budget, ""));
  if (check) REVLM_TRY(check(model.resolved.name));
  const base::Clock& clock = base::SystemClock();
  const auto started = clock.Monotonic();
  verify::FingerprintHooks hooks;
  hooks.stop = source.stop;
  hooks.on_progress = [&](const engine::Progress& progress) {
    if (!source.on_event) return;
    const std::chrono::duration<double> passed = clock.Monotonic() - started;
    source.on_event(EventOf(progress, model.resolved.name, passed.count()));
  };
  if (probe == Probe::kLight) {
    REVLM_ASSIGN_OR_RETURN(verify::WeightProbe probed,
                           verify::ProbeWeights(model, budget, hooks));
    return Target{std::move(probed.fingerprint), std::move(probed.layers)};
  }
  REVLM_ASSIGN_OR_RETURN(
      Fingerprint fingerprint,
      verify::MakeFingerprint(model, budget, source.environment.cache_dir,
                              hooks));
  return WholeTarget(std::move(fingerprint));
}

}  // namespace

Result<Target> ObtainFingerprint(const FingerprintSource& source, Probe probe,
                                 const CheckName& check) {
  if (!source.target.starts_with(kStored)) {
    return LookAtModel(source, probe, check);
  }
  return ReadStored(source.target.substr(kStored.size()), source.library);
}

FingerprintSummary Summarize(const Fingerprint& fingerprint,
                             std::string_view revfp) {
  const fingerprint::ModelFacts& model = fingerprint.model;
  const fingerprint::WeightSketch& weights = fingerprint.weights;
  FingerprintSummary summary = {
      .name = model.name,
      .model_type = model.model_type,
      .num_layers = model.num_layers,
      .hidden_size = model.hidden_size,
      .num_parameters = model.num_parameters,
      .tensor_root = model.tensor_root,
      .sha256 = revfp.empty()
                    ? ""
                    : base::ToHex(crypto::Sha256(base::AsBytes(revfp))),
      .numerics = model.numerics,
      .num_positions = static_cast<uint32_t>(
          fingerprint.row_of.size() -
          static_cast<size_t>(
              std::ranges::count(fingerprint.row_of, fingerprint::kMissing))),
      .num_units = weights.num_layers() * weights.num_key_heads() *
                   weights.units_per_head(),
      .size_bytes = revfp.size()};
  for (const uint32_t layer :
       fingerprint::RestrictionSites(fingerprint.changes)) {
    const fingerprint::LayerChange& change = fingerprint.changes[layer];
    summary.sites.push_back(
        {.layer = layer,
         .change = static_cast<double>(change.change),
         .low = static_cast<double>(change.low),
         .high = static_cast<double>(change.high),
         .top_share = static_cast<double>(change.top_share)});
  }
  return summary;
}

}  // namespace revlm
