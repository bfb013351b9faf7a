#include "run/run_directory.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/file.h"
#include "base/quote.h"
#include "run/metrics.h"
#include "run/plan.h"

namespace revlm::run {
namespace {

using base::Json;
namespace fs = std::filesystem;

constexpr uint64_t kMaxManifestBytes = uint64_t{1} << 30;

std::unexpected<Error> RefuseDirectory(const std::string& path,
                                       const std::error_code& why) {
  return base::MakeError(why == std::errc::no_space_on_device
                             ? ErrorCode::kUnavailable
                             : ErrorCode::kInvalidArgument,
                         "creating run directory {}: {}; name another with "
                         "--output-dir",
                         path, why.message());
}

bool IsState(const Json& manifest, std::string_view state) {
  const Json* found = base::FindMember(manifest, "state");
  return found != nullptr && *found == state;
}

// Whether `name` is what a run killed while writing one of its files leaves.
bool IsTemporary(std::string_view name) {
  const auto target = base::TargetOfTemporary(name);
  if (!target) return false;
  return *target == kManifestName || *target == kResultsName ||
         *target == kMetricsName || *target == kPrometheusName ||
         target->ends_with(".safetensors") ||
         (target->starts_with("tensors-") && target->ends_with(".json"));
}

// Removes what an earlier start that was killed left half-written.
void RemoveTemporaryFiles(const std::string& directory) {
  std::error_code ignored;
  for (const std::string& folder : {directory, directory + "/captures"}) {
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (IsTemporary(entry.path().filename().string())) {
        fs::remove(entry, ignored);
      }
    }
  }
}

}  // namespace

Status CheckUsable(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(const Json manifest, ReadManifest(path));
  if (!manifest.is_null()) return {};
  REVLM_ASSIGN_OR_RETURN(const base::Directory directory,
                         base::Directory::Open(path));
  REVLM_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                         directory.ListNames());
  for (const std::string& name : names) {
    // What a start that was killed before its manifest leaves.
    if (name == kJournalName || IsTemporary(name)) continue;
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "opening run directory {}: found {} and no {}; "
                           "allowed is an empty directory or one of a run",
                           path, base::Quote(name), kManifestName);
  }
  return {};
}

Result<Json> ReadManifest(const std::string& directory) {
  const std::string path = directory + "/" + kManifestName;
  if (base::KindOfPath(path) == base::PathKind::kAbsent) return Json();
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         base::OpenFile(path, base::Caching::kPageCache));
  REVLM_ASSIGN_OR_RETURN(const std::string text,
                         base::ReadWholeFile(file, kMaxManifestBytes));
  REVLM_ASSIGN_OR_RETURN(Json manifest, base::ParseJson(text, path));
  const Json* schema = base::FindMember(manifest, "schema");
  const Json* plan = base::FindMember(manifest, "plan");
  if (schema == nullptr || *schema != Json(kManifestSchema) ||
      plan == nullptr || !plan->is_object()) {
    return base::MakeError(ErrorCode::kCorrupt,
                           "reading {}: found no plan of {}; use another run "
                           "directory",
                           path, kManifestSchema);
  }
  return manifest;
}

// 20261123T031629Z-3f9c: the time, and four digits that differ between runs
// started in the same second.
Result<std::string> CreateRunDirectory(const std::string& runs_dir,
                                       const base::Clock& clock) {
  std::error_code error;
  fs::create_directories(runs_dir, error);
  if (error) return RefuseDirectory(runs_dir, error);
  for (int attempt = 0;; ++attempt) {
    const auto now = clock.Wall();
    std::string time = base::FormatUtc(now);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    const std::string path = fmt::format(
        "{}/{}-{}", runs_dir, time,
        Sha256Hex(fmt::format("{} {} {}", now.count(), getpid(), attempt))
            .substr(0, 4));
    if (fs::create_directory(path, error)) return path;
    if (error || attempt == 100) return RefuseDirectory(path, error);
  }
}

void LinkLatest(const std::string& runs_dir, const std::string& path) {
  const std::string temporary =
      fmt::format("{}/latest.{}.tmp", runs_dir, getpid());
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_symlink(fs::path(path).filename(), temporary, error);
  if (error) return;
  fs::rename(temporary, runs_dir + "/latest", error);
  if (error) fs::remove(temporary, error);
}

namespace {

struct Unfinished {
  std::string path;
  Json manifest;
};

// The run that `runs_dir`/latest leads to, when it waits to be resumed.
std::optional<Unfinished> FindUnfinished(const std::string& runs_dir,
                                         const Json& plan) {
  const auto path = base::CanonicalPath(runs_dir + "/latest");
  if (!path) return std::nullopt;
  auto manifest = ReadManifest(*path);
  if (!manifest || !IsState(*manifest, "running")) return std::nullopt;
  const Json& there = (*manifest)["plan"];
  if (there != WithKnownModels(there, plan)) return std::nullopt;
  return Unfinished{
      .path = runs_dir + "/" + fs::path(*path).filename().string(),
      .manifest = *std::move(manifest)};
}

}  // namespace

Result<Json> FindEarlier(const RunOptions& options, const Json& plan) {
  if (!options.output_dir.empty()) return ReadManifest(options.output_dir);
  auto unfinished = FindUnfinished(options.runs_dir, plan);
  return unfinished ? std::move(unfinished->manifest) : Json();
}

bool RunDirectory::is_finished() const {
  return IsState(manifest_, "finished") &&
         base::KindOfPath(path_ + "/" + kResultsName) !=
             base::PathKind::kAbsent;
}

Status RunDirectory::WriteManifest(Json manifest) {
  manifest_ = std::move(manifest);
  return base::WriteFileAtomically(
      path_ + "/" + kManifestName,
      manifest_.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void RunDirectory::RemoveTemporaryFilesOf(int64_t pid) const {
  base::RemoveTemporaryFiles(path_, pid);
  base::RemoveTemporaryFiles(path_ + "/" + kCapturesName, pid);
}

Result<RunDirectory> RunDirectory::OpenAt(const std::string& path,
                                          const base::Clock& clock) {
  REVLM_TRY(CheckUsable(path));
  std::vector<JournalEntry> entries;
  REVLM_ASSIGN_OR_RETURN(
      Journal journal,
      Journal::Open(path, clock, [&](JournalEntry entry) -> Status {
        entries.push_back(std::move(entry));
        return {};
      }));
  RemoveTemporaryFiles(path);
  RunDirectory directory(path, std::move(journal));
  REVLM_ASSIGN_OR_RETURN(directory.manifest_, ReadManifest(path));
  if (directory.manifest_.is_null() && !entries.empty()) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "opening run directory {}: found operations and no "
                           "{}; name another with --output-dir",
                           path, kManifestName);
  }
  directory.entries_ = std::move(entries);
  return directory;
}

Result<RunDirectory> RunDirectory::Open(const RunOptions& options,
                                        const Json& plan,
                                        const base::Clock& clock) {
  if (options.output_dir.empty()) {
    if (const auto unfinished = FindUnfinished(options.runs_dir, plan)) {
      auto directory = OpenAt(unfinished->path, clock);
      if (directory && !directory->is_finished()) return directory;
    }
    REVLM_ASSIGN_OR_RETURN(const std::string path,
                           CreateRunDirectory(options.runs_dir, clock));
    auto directory = OpenAt(path, clock);
    if (directory) LinkLatest(options.runs_dir, path);
    return directory;
  }
  std::string path = options.output_dir;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return RefuseDirectory(path, error);
  REVLM_ASSIGN_OR_RETURN(RunDirectory directory, OpenAt(path, clock));
  if (!directory.manifest_.is_null()) {
    const Json& there = directory.manifest_["plan"];
    if (const auto difference =
            FindPlanDifference(there, WithKnownModels(there, plan))) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "run directory {} is of another plan: {}; name "
                             "another with --output-dir",
                             path, *difference);
    }
  }
  return directory;
}

Status RunDirectory::LogDecision(const Json& decision) {
  if (!decisions_) {
    REVLM_ASSIGN_OR_RETURN(
        base::AppendFile opened,
        base::AppendFile::Open(path_ + "/" + kDecisionsName));
    decisions_.emplace(std::move(opened));
  }
  return decisions_->Append(ToLine(decision));
}

}  // namespace revlm::run
