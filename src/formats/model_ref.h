// Model references: the strings by which a user names a model.
//
//   reference = [alias "="] target
//   alias     = [A-Za-z0-9._-]{1,64}
//   target    = path | hub
//   path      = an existing directory, or text that starts with / ./ ../ or ~/
//   hub       = ["hf:" | "hf://"] org "/" name ["@" revision] | "hf:" name
//   [...] revision  = branch | tag | "refs/pr/" number | commit, whole or a
//   unique
//               prefix of at least 7 hex digits
//
// An existing path wins over every other reading. The other forms of the design
// (GGUF files, ollama:, http:, https:, openai:, ref:, run:, mock:, "#"
// selectors) are refused by name with kUnsupported.
//
// Hub models are looked up in the Hugging Face cache, read-only and without
// network, in HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub,
// XDG_CACHE_HOME/huggingface/hub and HOME/.cache/huggingface/hub, in this
// order; the first that has the model's folder decides. Without a revision it
// is what refs/main says; without refs/main, the only snapshot.
//
// Threads: pure functions of their arguments and the file system. Errors:
// kInvalidArgument (not a reference), kNotFound (names every place looked in,
// in order, and the closest names), kUnsupported, kCorrupt (a damaged cache).
#pragma once

#include <optional>
#include <string>
#include <string_view>

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

struct ResolvedModel {
  std::string directory;  // canonical
  // What to call it: the alias, or the last part of the path or hub name.
  std::string name;
  std::optional<std::string> model_id;  // ORG/NAME when in the cache
  std::optional<std::string> commit;    // 40 hex when in the cache
};

Result<ResolvedModel> ResolveModelRef(std::string_view reference,
                                      const CacheRoots& roots);

}  // namespace revlm::formats
