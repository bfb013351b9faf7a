// Finds models in the Hugging Face cache of this machine: read-only and without
// network.
//
//   hub name  = org "/" name ["@" revision] | name ["@" revision]
//   revision  = branch | tag | "refs/pr/" number | commit, whole or a unique
//               prefix of at least 7 hex digits
//
// Caches are looked at in this order, and the first that has the model's folder
// decides: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub,
// XDG_CACHE_HOME/huggingface/hub, HOME/.cache/huggingface/hub. Within it a
// commit stands for itself, another revision for what refs/REVISION says, or
// for the one snapshot that begins so; no revision means refs/main or, without
// refs/main, the only snapshot. No name can lead outside the cache (the layout
// is in model_directory.h).
//
// Threads: pure functions of their arguments and the file system. Errors:
// kInvalidArgument (not a hub name, or one that several snapshots fit, listed),
// kNotFound (names every place looked in, in order, and the closest names),
// kCorrupt (a damaged cache), kUnavailable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace revlm::formats {

// The environment variables of these names, read by the caller.
struct CacheRoots {
  std::optional<std::string> hf_hub_cache;
  std::optional<std::string> huggingface_hub_cache;
  std::optional<std::string> hf_home;
  std::optional<std::string> xdg_cache_home;
  std::optional<std::string> home;
};

struct CachedSnapshot {
  std::string directory;  // canonical
  std::string model_id;   // ORG/NAME, or NAME
  std::string commit;     // 40 hex digits
};

Result<CachedSnapshot> FindInHubCache(std::string_view hub_name,
                                      const CacheRoots& roots);

// Where models are looked for, in order.
std::vector<std::string> CacheDirectories(const CacheRoots& roots);

// Every model in these caches.
std::vector<std::string> CachedModelIds(const CacheRoots& roots);

}  // namespace revlm::formats
