#include "run/status.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "run/journal.h"
#include "run/metrics_log.h"
#include "run/metrics_text.h"
#include "run/plan.h"
#include "run/run_directory.h"

namespace revlm::run {
namespace {

using base::Json;

// The last sample that was written to its end; an empty status when there is
// none.
RunStatus LastSample(const std::string& run_dir) {
  RunStatus status;
  // Without samples there is still the journal.
  static_cast<void>(FindLastLine(run_dir, [&](std::string_view line) {
    auto sample = StatusFromLine(line, kMetricsName);
    if (sample) status = *std::move(sample);
    return sample.has_value();
  }));
  return status;
}

// Models and how many operations each has, as the manifest's plan says.
Result<std::vector<ModelStatus>> PlannedModels(const Json& manifest,
                                               const std::string& source) {
  const Json* plan = base::FindMember(manifest, "plan");
  const Json* models =
      plan == nullptr ? nullptr : base::FindMember(*plan, "models");
  if (models == nullptr || !models->is_array()) {
    return base::MakeError(ErrorCode::kCorrupt, "reading {}: found no models",
                           source);
  }
  REVLM_ASSIGN_OR_RETURN(const auto num_prompts,
                         base::GetInt(*plan, "num_prompts", {}, source));
  REVLM_ASSIGN_OR_RETURN(const auto mode,
                         base::GetString(*plan, "mode", source));
  // Models that get no prompt are not in the plan.
  const bool has_all =
      mode != ModeName(Mode::kPaired) &&
      (mode != ModeName(Mode::kBroadcast) || models->size() == 1);
  std::vector<ModelStatus> planned;
  for (const Json& model : *models) {
    REVLM_ASSIGN_OR_RETURN(auto alias, base::GetString(model, "alias", source));
    ModelStatus status;
    status.alias = std::move(alias).value_or("");
    status.state = "waiting";
    status.num_planned = has_all ? num_prompts.value_or(0) : 1;
    planned.push_back(std::move(status));
  }
  return planned;
}

// What is done, from the journal.
Status CountOperations(const std::string& run_dir, RunStatus& status) {
  std::map<std::string, ModelStatus*> by_alias;
  for (ModelStatus& model : status.models) {
    model.num_done = model.num_failed = 0;
    by_alias[model.alias] = &model;
  }
  auto counted = ReadEntries(run_dir, [&](JournalEntry entry) -> Status {
    const auto found = by_alias.find(entry.model);
    if (found == by_alias.end()) return {};
    ++found->second->num_done;
    if (entry.has_failed) ++found->second->num_failed;
    return {};
  });
  if (!counted && counted.error().code != ErrorCode::kNotFound) {
    return std::unexpected(std::move(counted).error());
  }
  status.num_planned = status.num_done = status.num_failed = 0;
  for (ModelStatus& model : status.models) {
    model.state = model.num_done >= model.num_planned ? "done" : "waiting";
    model.memory_bytes = 0;
    status.num_planned += model.num_planned;
    status.num_done += model.num_done;
    status.num_failed += model.num_failed;
  }
  status.num_workers = 0;
  return {};
}

bool IsFinished(const Json& manifest) {
  const Json* state = base::FindMember(manifest, "state");
  return state != nullptr && *state == "finished";
}

}  // namespace

Result<RunStatus> ReadStatus(const std::string& run_dir) {
  if (base::KindOfPath(run_dir) != base::PathKind::kDirectory) {
    return base::MakeError(ErrorCode::kNotFound,
                           "looking at run {}: there is no such directory; "
                           "name the directory of a run that was started",
                           run_dir);
  }
  REVLM_TRY(CheckUsable(run_dir));
  // Asked first: a run that ends meanwhile is then seen as running for once,
  // and not as killed.
  const bool is_held =
      base::AppendFile::IsOpenElsewhere(run_dir + "/" + kJournalName);
  REVLM_ASSIGN_OR_RETURN(const Json manifest, ReadManifest(run_dir));
  RunStatus status;
  if (manifest.is_null()) {
    status.run_dir = run_dir;
    return status;
  }
  status = LastSample(run_dir);
  status.run_dir = run_dir;
  const bool was_stopped = status.state == RunState::kStopped;
  if (IsFinished(manifest)) {
    status.state = RunState::kFinished;
  } else if (is_held) {
    status.state = RunState::kRunning;
  } else {
    status.state = was_stopped ? RunState::kStopped : RunState::kKilled;
  }
  if (status.state != RunState::kStopped) status.stopped_by.clear();
  if (status.models.empty()) {
    REVLM_ASSIGN_OR_RETURN(
        status.models, PlannedModels(manifest, run_dir + "/" + kManifestName));
    REVLM_TRY(CountOperations(run_dir, status));
  } else if (status.state == RunState::kKilled) {
    REVLM_TRY(CountOperations(run_dir, status));
  }
  return status;
}

}  // namespace revlm::run
