#include "formats/model_ref.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/file.h"
#include "base/quote.h"
#include "formats/closest_names.h"
#include "formats/model_directory.h"

namespace revlm::formats {
namespace {

using base::MakeError;
using base::PathKind;
using base::Quote;

constexpr size_t kMaxReferenceBytes = 4096;
constexpr size_t kMaxAliasBytes = 64;

constexpr std::string_view kForms =
    "allowed are a directory, hf:ORG/NAME[@REVISION] and ORG/NAME, each with "
    "ALIAS= in front if wanted";

bool LooksLikePath(std::string_view text) {
  return text == "." || text == ".." || text == "~" || text.starts_with("/") ||
         text.starts_with("./") || text.starts_with("../") ||
         text.starts_with("~/");
}

std::string ExpandHome(std::string_view path, const CacheRoots& roots) {
  if (roots.home && (path == "~" || path.starts_with("~/"))) {
    return *roots.home + std::string(path.substr(1));
  }
  return std::string(path);
}

// The last part of a model id.
std::string ShortName(const std::string& model_id) {
  return model_id.substr(model_id.find('/') + 1);
}

Result<ResolvedModel> ResolveExistingPath(const std::string& path) {
  if (path.ends_with(".gguf")) {
    return MakeError(ErrorCode::kUnsupported,
                     "model reference {}: GGUF files are not supported yet",
                     Quote(path));
  }
  if (base::KindOfPath(path) != PathKind::kDirectory) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "model reference {}: a file, allowed is a directory; try "
                     "the one it is in",
                     Quote(path));
  }
  REVLM_ASSIGN_OR_RETURN(std::string directory, base::CanonicalPath(path));
  std::string name = directory.substr(directory.rfind('/') + 1);
  if (name.empty()) name = "root";
  ResolvedModel model = {.directory = std::move(directory),
                         .name = std::move(name),
                         .model_id = std::nullopt,
                         .commit = std::nullopt};
  if (auto location = ParseCachePath(model.directory)) {
    model.name = ShortName(location->model_id);
    model.model_id = std::move(location->model_id);
    model.commit = std::move(location->commit);
  }
  return model;
}

std::unexpected<Error> PathNotFound(const std::string& path) {
  std::string parent = path;
  while (parent.size() > 1 && parent.ends_with('/')) parent.pop_back();
  const size_t slash = parent.rfind('/');
  const std::string name = parent.substr(slash + 1);
  parent = parent.substr(0, slash + 1);
  std::vector<std::string> siblings;
  if (const auto directory = base::Directory::Open(parent)) {
    siblings = directory->ListNames().value_or(siblings);
  }
  return MakeError(ErrorCode::kNotFound, "looking for {}: not there{}",
                   Quote(path), DidYouMean(name, siblings, parent));
}

// Refuses the forms of later versions by name.
Status CheckForm(std::string_view target) {
  static constexpr std::array kLater = {
      "ollama:", "http:", "https:", "openai:", "ref:", "run:", "mock:"};
  for (const std::string_view scheme : kLater) {
    if (target.starts_with(scheme)) {
      return MakeError(ErrorCode::kUnsupported,
                       "model reference {}: {} is not supported yet; {}",
                       Quote(target), scheme, kForms);
    }
  }
  if (target.ends_with(".gguf")) {
    return MakeError(ErrorCode::kUnsupported,
                     "model reference {}: GGUF files are not supported yet; {}",
                     Quote(target), kForms);
  }
  if (target.find('#') != std::string_view::npos) {
    return MakeError(ErrorCode::kUnsupported,
                     "model reference {}: a \"#\" selector is not supported "
                     "yet; {}",
                     Quote(target), kForms);
  }
  return {};
}

Result<ResolvedModel> ResolveHub(std::string_view text,
                                 const CacheRoots& roots) {
  REVLM_ASSIGN_OR_RETURN(CachedSnapshot found, FindInHubCache(text, roots));
  return ResolvedModel{.directory = std::move(found.directory),
                       .name = ShortName(found.model_id),
                       .model_id = std::move(found.model_id),
                       .commit = std::move(found.commit)};
}

Result<ResolvedModel> ResolveTarget(std::string_view target,
                                    const CacheRoots& roots) {
  const std::string path = ExpandHome(target, roots);
  if (base::KindOfPath(path) != PathKind::kAbsent) {
    return ResolveExistingPath(path);
  }
  if (LooksLikePath(target)) {
    if (const size_t at = path.rfind('@');
        at != std::string::npos &&
        base::KindOfPath(path.substr(0, at)) == PathKind::kDirectory) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "model reference {}: a directory has no revisions",
                       Quote(path));
    }
    if (path.ends_with(".gguf")) return ResolveExistingPath(path);
    return PathNotFound(path);
  }
  REVLM_TRY(CheckForm(target));
  if (target.starts_with("hf:")) {
    target.remove_prefix(target.starts_with("hf://") ? 5 : 3);
    return ResolveHub(target, roots);
  }
  if (target.find(':') != std::string_view::npos ||
      target.find('/') == std::string_view::npos) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "model reference {}: no such directory and no known form; "
                     "{}{}",
                     Quote(target), kForms,
                     DidYouMean(target, CachedModelIds(roots), "hf:"));
  }
  return ResolveHub(target, roots);
}

}  // namespace

Result<ResolvedModel> ResolveModelRef(std::string_view reference,
                                      const CacheRoots& roots) {
  if (reference.empty() || reference.size() > kMaxReferenceBytes ||
      std::ranges::any_of(reference, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      })) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "model reference {}: allowed are 1 to {} bytes without "
                     "control characters",
                     Quote(reference), kMaxReferenceBytes);
  }
  const size_t equals = reference.find('=');
  // In a path or after a scheme "=" does not end an alias.
  if (equals == std::string_view::npos ||
      reference.find_first_of("/:") < equals ||
      base::KindOfPath(ExpandHome(reference, roots)) != PathKind::kAbsent) {
    return ResolveTarget(reference, roots);
  }
  const std::string_view alias = reference.substr(0, equals);
  if (!IsPlainName(alias, kMaxAliasBytes)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "model reference {}: {} is not an alias; allowed are 1 to "
                     "64 letters, digits, \".\", \"_\" and \"-\"",
                     Quote(reference), Quote(alias));
  }
  REVLM_ASSIGN_OR_RETURN(ResolvedModel model,
                         ResolveTarget(reference.substr(equals + 1), roots));
  model.name = alias;
  return model;
}

}  // namespace revlm::formats
