#include "api/unfinished_folder.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/quote.h"
#include "run/operation.h"
#include "run/plan.h"

namespace revlm {
namespace {

namespace fs = std::filesystem;
using base::Json;

constexpr char kPlanName[] = "plan.json";
constexpr char kLockName[] = "lock";
constexpr char kKeptSuffix[] = ".kept";
constexpr char kNoFinding[] = "_";
constexpr uint64_t kMaxPlanBytes = uint64_t{64} << 20;

std::string InFolder(const std::string& path, std::string_view name) {
  return fmt::format("{}/{}", path, name);
}

bool IsKept(const std::string& name) { return name.ends_with(kKeptSuffix); }

bool IsFinding(const std::string& name) {
  return IsKept(name) && !name.starts_with(kNoFinding);
}

// Names that are no text are written as such, so plans are compared as they are
// written.
std::string TextOf(const Json& plan) {
  return plan.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<std::string> ReadPlan(const std::string& path, uint64_t max_bytes) {
  REVLM_ASSIGN_OR_RETURN(
      const base::File file,
      base::OpenFile(InFolder(path, kPlanName), base::Caching::kPageCache));
  return base::ReadWholeFile(file, max_bytes);
}

Result<std::vector<std::string>> NamesIn(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(const base::Directory directory,
                         base::Directory::Open(path));
  return directory.ListNames();
}

// The first difference between what is asked and what is there.
Result<std::string> DifferenceFrom(const std::string& path,
                                   const std::string& plan) {
  const std::string source = InFolder(path, kPlanName);
  REVLM_ASSIGN_OR_RETURN(const std::string text, ReadPlan(path, kMaxPlanBytes));
  const auto there = base::ParseJson(text, source);
  if (!there || !there->is_object()) {
    return base::MakeError(
        ErrorCode::kCorrupt,
        "going on in {}: {}; remove that folder to begin anew", path,
        there ? "found no object in " + source : there.error().message);
  }
  REVLM_ASSIGN_OR_RETURN(const Json asked, base::ParseJson(plan, source));
  return run::FindPlanDifference(*there, asked)
      .value_or("it is written otherwise");
}

// Refuses what is not a folder of ours: without a plan there is nothing but a
// lock in it.
Status CheckOurs(const std::string& path) {
  std::error_code ignored;
  const bool is_folder =
      fs::symlink_status(path, ignored).type() == fs::file_type::directory;
  std::string found = is_folder ? "" : "no folder";
  if (is_folder && !UnfinishedFolder::IsThere(path)) {
    REVLM_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(path));
    for (const std::string& name : names) {
      const bool is_half_written = base::TargetOfTemporary(name) == kPlanName;
      if (name != kLockName && !is_half_written) found = base::Quote(name);
    }
  }
  if (found.empty()) return {};
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "using {}: found {}, which no comparison left there; "
                         "name another directory with --output-dir",
                         path, found);
}

}  // namespace

bool UnfinishedFolder::IsThere(const std::string& path) {
  return base::KindOfPath(InFolder(path, kPlanName)) != base::PathKind::kAbsent;
}

bool UnfinishedFolder::IsFree(const std::string& path, const Json& plan) {
  if (!IsThere(path)) return false;
  const std::string text = TextOf(plan);
  const auto there = ReadPlan(path, text.size());
  return there && *there == text && CheckOurs(path) &&
         !base::AppendFile::IsOpenElsewhere(InFolder(path, kLockName));
}

Result<UnfinishedFolder> UnfinishedFolder::Open(const std::string& path,
                                                const Json& plan) {
  std::error_code error;
  if (fs::symlink_status(path, error).type() == fs::file_type::not_found) {
    error.clear();
    fs::create_directories(path, error);
  } else {
    REVLM_TRY(CheckOurs(path));
  }
  if (error) {
    return base::MakeError(ErrorCode::kUnavailable, "making the folder {}: {}",
                           path, error.message());
  }
  REVLM_ASSIGN_OR_RETURN(base::AppendFile lock,
                         base::AppendFile::Open(InFolder(path, kLockName)));
  UnfinishedFolder folder(path, std::move(lock));
  REVLM_TRY(folder.TakeUp(TextOf(plan)));
  return folder;
}

Status UnfinishedFolder::TakeUp(const std::string& plan) {
  plan_sha256_ = run::Sha256Hex(plan);
  is_resumed_ = IsThere(path_);
  const auto there = ReadPlan(path_, plan.size());
  if (there && *there == plan) {
    RemoveScratch();
    return {};
  }
  // In a folder without findings nothing is lost.
  if (num_kept() == 0) {
    RemoveScratch();
    return base::WriteFileAtomically(InFolder(path_, kPlanName), plan);
  }
  const std::string path = std::exchange(path_, "");  // it stays as it is
  REVLM_ASSIGN_OR_RETURN(const std::string difference,
                         DifferenceFrom(path, plan));
  return base::MakeError(
      ErrorCode::kInvalidArgument,
      "{} is of another comparison, which is not finished: {}; name another "
      "directory with --output-dir, or remove that folder",
      path, difference);
}

UnfinishedFolder::UnfinishedFolder(UnfinishedFolder&& other) noexcept
    : path_(std::exchange(other.path_, "")),
      lock_(std::move(other.lock_)),
      plan_sha256_(std::move(other.plan_sha256_)),
      is_resumed_(other.is_resumed_),
      is_finished_(other.is_finished_) {
  other.lock_.reset();
}

UnfinishedFolder::~UnfinishedFolder() {
  if (path_.empty() || (!is_finished_ && num_kept() > 0)) return;
  RemoveScratch();
  std::error_code ignored;
  if (const auto names = NamesIn(path_)) {
    for (const std::string& name : *names) {
      if (IsKept(name)) fs::remove(InFolder(path_, name), ignored);
    }
  }
  // Without its plan it is nobody's, whatever happens now.
  fs::remove(InFolder(path_, kPlanName), ignored);
  fs::remove(InFolder(path_, kLockName), ignored);
  fs::remove(path_, ignored);
}

// What a process that was killed left: nothing else makes anything here.
void UnfinishedFolder::RemoveScratch() const {
  const auto names = NamesIn(path_);
  if (!names) return;
  std::error_code ignored;
  for (const std::string& name : *names) {
    if (name == kPlanName || name == kLockName || IsKept(name)) continue;
    fs::remove_all(InFolder(path_, name), ignored);
  }
}

size_t UnfinishedFolder::num_kept() const {
  const auto names = NamesIn(path_);
  return names ? static_cast<size_t>(std::ranges::count_if(*names, IsFinding))
               : 0;
}

verify::KeptAt UnfinishedFolder::At(const std::string& name) const {
  return {.path = InFolder(path_, name + kKeptSuffix),
          .key = plan_sha256_ + " " + name};
}

}  // namespace revlm
