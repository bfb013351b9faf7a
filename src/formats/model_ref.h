// Model references: the strings by which a user names a model.
//
//   reference = [alias "="] target
//   alias     = [A-Za-z0-9._-]{1,64}
//   target    = path | hub
//   path      = an existing directory, or text that starts with / ./ ../ or ~/
//   hub       = ["hf:" | "hf://"] hub name with org | "hf:" hub name
//
// An existing path wins over every other reading. The other forms of the design
// (GGUF files, ollama:, http:, https:, openai:, ref:, run:, mock:, "#"
// selectors) are refused by name with kUnsupported.
//
// Hub names are looked up in the Hugging Face cache (hub_cache.h).
//
// Threads: pure functions of their arguments and the file system. Errors:
// kInvalidArgument (not a reference), kNotFound (names every place looked in,
// in order, and the closest names), kUnsupported, kCorrupt (a damaged cache).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "formats/hub_cache.h"

namespace revlm::formats {

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
