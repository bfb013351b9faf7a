// A model's directory as a place to open files from, and only from.
//
// Files are opened beneath the directory; a link may not lead out of it. The
// Hugging Face cache keeps contents in `blobs/` and links to them:
//
//   models--ORG--NAME/blobs/HASH
//   models--ORG--NAME/snapshots/COMMIT/FILE -> ../../blobs/HASH
//   models--ORG--NAME/refs/REVISION            (a file that holds COMMIT)
//
// so for a directory `.../models--*/snapshots/*` files are opened beneath the
// `models--*` folder, and links into blobs/ resolve.
//
// Threads: const calls may be made from many threads. Errors: kNotFound,
// kUnavailable, kCorrupt (a name or link that leads outside).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace revlm::formats {

// A path into the cache, taken apart.
struct CacheLocation {
  std::string model_folder;  // .../models--ORG--NAME
  std::string model_id;      // ORG/NAME
  std::string commit;
};

// Nothing unless `canonical_path` is `.../models--*/snapshots/*`.
std::optional<CacheLocation> ParseCachePath(std::string_view canonical_path);

// "ORG/NAME" from "models--ORG--NAME"; nothing for other names.
std::optional<std::string> ModelIdFromFolder(std::string_view folder);
std::string FolderFromModelId(std::string_view model_id);

// Whether `name` is one path component of [A-Za-z0-9._-] and at most
// `max_bytes`, not "." or "..": a name that cannot lead anywhere else.
bool IsPlainName(std::string_view name, size_t max_bytes);

class ModelDirectory {
 public:
  // `path` may be relative or a link.
  static Result<ModelDirectory> Open(const std::string& path);

  const std::string& path() const { return path_; }

  // `name` has one component.
  Result<base::File> OpenFile(const std::string& name,
                              base::Caching caching) const;
  Result<std::vector<std::string>> ListNames() const;

 private:
  ModelDirectory(base::Directory root, std::string prefix, std::string path)
      : root_(std::move(root)),
        prefix_(std::move(prefix)),
        path_(std::move(path)) {}

  base::Directory root_;
  std::string prefix_;  // from root_ to the model: "" or "snapshots/COMMIT/"
  std::string path_;    // canonical
};

}  // namespace revlm::formats
