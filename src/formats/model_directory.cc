#include "formats/model_directory.h"

#include <algorithm>

namespace revlm::formats {
namespace {

constexpr std::string_view kFolderPrefix = "models--";

// Takes the last component off `path`.
std::string_view PopComponent(std::string_view& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return std::exchange(path, {});
  const std::string_view component = path.substr(slash + 1);
  path = path.substr(0, slash);
  return component;
}

}  // namespace

std::optional<std::string> ModelIdFromFolder(std::string_view folder) {
  if (!folder.starts_with(kFolderPrefix)) return std::nullopt;
  folder.remove_prefix(kFolderPrefix.size());
  std::string id(folder);
  if (const size_t dashes = id.find("--"); dashes != std::string::npos) {
    id.replace(dashes, 2, "/");
  }
  return id;
}

std::string FolderFromModelId(std::string_view model_id) {
  std::string folder(kFolderPrefix);
  for (const char c : model_id) {
    if (c == '/') {
      folder += "--";
    } else {
      folder += c;
    }
  }
  return folder;
}

std::optional<CacheLocation> ParseCachePath(std::string_view canonical_path) {
  std::string_view path = canonical_path;
  const std::string_view commit = PopComponent(path);
  if (PopComponent(path) != "snapshots" || commit.empty()) return std::nullopt;
  const std::string model_folder(path);
  const auto model_id = ModelIdFromFolder(PopComponent(path));
  if (!model_id) return std::nullopt;
  return CacheLocation{model_folder, *model_id, std::string(commit)};
}

bool IsPlainName(std::string_view name, size_t max_bytes) {
  return !name.empty() && name.size() <= max_bytes && name != "." &&
         name != ".." && std::ranges::all_of(name, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                  (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
         });
}

Result<ModelDirectory> ModelDirectory::Open(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(std::string canonical, base::CanonicalPath(path));
  const auto location = ParseCachePath(canonical);
  REVLM_ASSIGN_OR_RETURN(
      base::Directory root,
      base::Directory::Open(location ? location->model_folder : canonical));
  std::string prefix =
      location ? "snapshots/" + location->commit + "/" : std::string();
  return ModelDirectory(std::move(root), std::move(prefix),
                        std::move(canonical));
}

Result<base::File> ModelDirectory::OpenFile(const std::string& name,
                                            base::Caching caching) const {
  if (name.find('/') != std::string::npos) {
    return base::MakeError(ErrorCode::kCorrupt,
                           "opening {} in {}: allowed is a plain file name",
                           name, path_);
  }
  return root_.OpenBeneath(prefix_ + name, caching);
}

Result<std::vector<std::string>> ModelDirectory::ListNames() const {
  REVLM_ASSIGN_OR_RETURN(const base::Directory directory,
                         base::Directory::Open(path_));
  return directory.ListNames();
}

}  // namespace revlm::formats
