// What the library must know of the environment. It never reads environment
// variables itself: the front end does and passes them here.
//
// Threads: values and pure functions. Errors: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace revlm {

struct Environment {
  // The variables that say where a Hugging Face cache lies; unset: empty.
  std::optional<std::string> hf_hub_cache;
  std::optional<std::string> huggingface_hub_cache;
  std::optional<std::string> hf_home;
  std::optional<std::string> xdg_cache_home;
  std::optional<std::string> home;

  // Where digests of weights are kept between runs, so that unchanged files
  // need not be read again. Created when absent; not used when it cannot be.
  // Empty: no digests are kept.
  std::string cache_dir;

  // What worker processes begin with, as "NAME=VALUE": what their loader and
  // their kernel library read (LD_LIBRARY_PATH, ONEDNN_...).
  std::vector<std::string> variables;
};

// What a process with these variables ("NAME=VALUE") has to say: the caches of
// Hugging Face, and our own folder, XDG_CACHE_HOME/revlm or ~/.cache/revlm. An
// empty variable counts as unset; of one given twice, the first counts.
Environment EnvironmentFrom(std::vector<std::string> variables);

}  // namespace revlm
