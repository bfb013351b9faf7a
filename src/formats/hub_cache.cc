#include "formats/hub_cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/file.h"
#include "base/quote.h"
#include "formats/closest_names.h"
#include "formats/model_directory.h"

namespace revlm::formats {
namespace {

using base::MakeError;
using base::Quote;

constexpr size_t kCommitDigits = 40;
constexpr size_t kMinPrefixDigits = 7;
constexpr size_t kMaxPartBytes = 96;
constexpr size_t kMaxRevisionBytes = 255;
constexpr uint64_t kMaxRefFileBytes = 1024;

bool IsHex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}
bool IsCommit(std::string_view text) {
  return text.size() == kCommitDigits && IsHex(text);
}

std::string Join(const std::vector<std::string>& parts,
                 std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

// The names in `path`, or none when it cannot be listed.
std::vector<std::string> NamesIn(const std::string& path) {
  auto directory = base::Directory::Open(path);
  if (!directory) return {};
  return directory->ListNames().value_or(std::vector<std::string>{});
}

struct HubName {
  std::string model_id;  // ORG/NAME or NAME
  std::optional<std::string> revision;
};

// Whether `text` is plain names with a "/" between them.
bool IsRevision(std::string_view text) {
  if (text.size() > kMaxRevisionBytes) return false;
  while (true) {
    const size_t slash = text.find('/');
    if (!IsPlainName(text.substr(0, slash), kMaxRevisionBytes)) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

Result<HubName> ParseHubName(std::string_view text) {
  const size_t at = text.find('@');
  const std::string_view id = text.substr(0, at);
  const size_t slash = id.find('/');
  const bool has_org = slash != std::string_view::npos;
  // "--" stands for the slash in the cache's folder names.
  if ((has_org && !IsPlainName(id.substr(0, slash), kMaxPartBytes)) ||
      !IsPlainName(has_org ? id.substr(slash + 1) : id, kMaxPartBytes) ||
      id.find("--") != std::string_view::npos) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "model reference {}: not a hub name; allowed is ORG/NAME "
                     "of letters, digits, \".\", \"_\" and \"-\" (not \"--\")",
                     Quote(text));
  }
  if (at == std::string_view::npos) {
    return HubName{std::string(id), std::nullopt};
  }
  const std::string_view revision = text.substr(at + 1);
  if (!IsRevision(revision)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "model reference {}: {} is not a revision; allowed is a "
                     "branch, a tag, refs/pr/NUMBER or a commit",
                     Quote(text), Quote(revision));
  }
  return HubName{std::string(id), std::string(revision)};
}

// One model's folder in the cache.
class CachedModel {
 public:
  static Result<CachedModel> Open(const std::string& path,
                                  const HubName& name) {
    REVLM_ASSIGN_OR_RETURN(base::Directory folder, base::Directory::Open(path));
    return CachedModel(std::move(folder), name, NamesIn(path + "/snapshots"));
  }

  Result<std::string> FindCommit() const {
    return name_.revision ? FindRevision(*name_.revision) : FindDefault();
  }

 private:
  CachedModel(base::Directory folder, const HubName& name,
              std::vector<std::string> snapshots)
      : folder_(std::move(folder)),
        name_(name),
        snapshots_(std::move(snapshots)) {
    std::erase_if(snapshots_,
                  [](const std::string& text) { return !IsCommit(text); });
  }

  bool HasSnapshot(const std::string& commit) const {
    return std::ranges::binary_search(snapshots_, commit);
  }

  std::string ListSnapshots() const {
    if (snapshots_.empty()) return "no snapshots there";
    return "snapshots there: " + Join(snapshots_, ", ");
  }

  std::unexpected<Error> NotCached(const std::string& what) const {
    return MakeError(ErrorCode::kNotFound,
                     "looking for {} of {} in {}: not there; {}", what,
                     name_.model_id, folder_.path(), ListSnapshots());
  }

  // The commit that refs/<revision> names; nothing when there is no such ref.
  Result<std::optional<std::string>> ReadRef(
      const std::string& revision) const {
    auto file =
        folder_.OpenBeneath("refs/" + revision, base::Caching::kPageCache);
    if (!file && revision.starts_with("refs/")) {
      file = folder_.OpenBeneath(revision, base::Caching::kPageCache);
    }
    // What is there but no file, such as the directory refs/pr, is no ref.
    if (!file) return std::nullopt;
    REVLM_ASSIGN_OR_RETURN(std::string commit,
                           base::ReadWholeFile(*file, kMaxRefFileBytes));
    while (commit.ends_with('\n')) commit.pop_back();
    if (!IsCommit(commit)) {
      return MakeError(ErrorCode::kCorrupt,
                       "reading {}: found {}, allowed is a commit of 40 hex "
                       "digits",
                       file->path(), Quote(commit));
    }
    return commit;
  }

  Result<std::string> FindRevision(const std::string& revision) const {
    if (IsCommit(revision)) {
      if (HasSnapshot(revision)) return revision;
      return NotCached("commit " + revision);
    }
    REVLM_ASSIGN_OR_RETURN(const auto commit, ReadRef(revision));
    if (commit) {
      if (HasSnapshot(*commit)) return *commit;
      return NotCached(fmt::format("commit {} ({})", *commit, revision));
    }
    std::vector<std::string> matches;
    if (revision.size() >= kMinPrefixDigits && IsHex(revision)) {
      std::ranges::copy_if(snapshots_, std::back_inserter(matches),
                           [&](const std::string& snapshot) {
                             return snapshot.starts_with(revision);
                           });
    }
    if (matches.size() == 1) return matches.front();
    if (!matches.empty()) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "looking for revision {} of {}: several commits begin "
                       "so: {}; try more digits",
                       revision, name_.model_id, Join(matches, ", "));
    }
    return NotCached("revision " + revision);
  }

  Result<std::string> FindDefault() const {
    REVLM_ASSIGN_OR_RETURN(const auto main, ReadRef("main"));
    if (main) {
      if (HasSnapshot(*main)) return *main;
      return NotCached(fmt::format("commit {} (main)", *main));
    }
    if (snapshots_.size() == 1) return snapshots_.front();
    if (snapshots_.empty()) return NotCached("a snapshot");
    return MakeError(
        ErrorCode::kInvalidArgument,
        "looking for {} in {}: several snapshots and no refs/main: "
        "{}; try {}@COMMIT",
        name_.model_id, folder_.path(), Join(snapshots_, ", "), name_.model_id);
  }

  base::Directory folder_;
  HubName name_;
  std::vector<std::string> snapshots_;  // commits, in order
};

std::unexpected<Error> NotInAnyCache(const HubName& name,
                                     const CacheRoots& roots) {
  const std::vector<std::string> places = CacheDirectories(roots);
  if (places.empty()) {
    return MakeError(ErrorCode::kNotFound,
                     "looking for hf:{}: no Hugging Face cache is known; try "
                     "setting HF_HUB_CACHE or HOME",
                     name.model_id);
  }
  return MakeError(ErrorCode::kNotFound, "looking for hf:{} in {}: not there{}",
                   name.model_id, Join(places, ", then "),
                   DidYouMean(name.model_id, CachedModelIds(roots), "hf:"));
}

}  // namespace

// Where hub models may be, in order.
std::vector<std::string> CacheDirectories(const CacheRoots& roots) {
  std::vector<std::string> directories;
  const auto add = [&](const std::optional<std::string>& root,
                       std::string_view below) {
    if (!root || root->empty()) return;
    directories.push_back(*root + std::string(below));
  };
  add(roots.hf_hub_cache, "");
  add(roots.huggingface_hub_cache, "");
  add(roots.hf_home, "/hub");
  add(roots.xdg_cache_home, "/huggingface/hub");
  add(roots.home, "/.cache/huggingface/hub");
  return directories;
}

std::vector<std::string> CachedModelIds(const CacheRoots& roots) {
  std::vector<std::string> ids;
  for (const std::string& place : CacheDirectories(roots)) {
    for (const std::string& folder : NamesIn(place)) {
      if (auto id = ModelIdFromFolder(folder)) ids.push_back(*id);
    }
  }
  return ids;
}

Result<CachedSnapshot> FindInHubCache(std::string_view text,
                                      const CacheRoots& roots) {
  REVLM_ASSIGN_OR_RETURN(const HubName name, ParseHubName(text));
  for (const std::string& place : CacheDirectories(roots)) {
    const std::string folder = place + "/" + FolderFromModelId(name.model_id);
    if (base::KindOfPath(folder) != base::PathKind::kDirectory) continue;
    REVLM_ASSIGN_OR_RETURN(const CachedModel model,
                           CachedModel::Open(folder, name));
    REVLM_ASSIGN_OR_RETURN(const std::string commit, model.FindCommit());
    REVLM_ASSIGN_OR_RETURN(
        std::string directory,
        base::CanonicalPath(folder + "/snapshots/" + commit));
    return CachedSnapshot{.directory = std::move(directory),
                          .model_id = name.model_id,
                          .commit = commit};
  }
  return NotInAnyCache(name, roots);
}

}  // namespace revlm::formats
