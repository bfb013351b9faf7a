#include "revlm/environment.h"

#include <string_view>
#include <utility>

namespace revlm {
namespace {

std::optional<std::string> Find(const std::vector<std::string>& variables,
                                std::string_view name) {
  for (const std::string_view variable : variables) {
    if (!variable.starts_with(name)) continue;
    const std::string_view rest = variable.substr(name.size());
    if (!rest.starts_with('=')) continue;
    if (rest.size() == 1) return std::nullopt;
    return std::string(rest.substr(1));
  }
  return std::nullopt;
}

}  // namespace

Environment EnvironmentFrom(std::vector<std::string> variables) {
  Environment environment;
  environment.hf_hub_cache = Find(variables, "HF_HUB_CACHE");
  environment.huggingface_hub_cache = Find(variables, "HUGGINGFACE_HUB_CACHE");
  environment.hf_home = Find(variables, "HF_HOME");
  environment.xdg_cache_home = Find(variables, "XDG_CACHE_HOME");
  environment.home = Find(variables, "HOME");
  if (environment.xdg_cache_home) {
    environment.cache_dir = *environment.xdg_cache_home + "/revlm";
  } else if (environment.home) {
    environment.cache_dir = *environment.home + "/.cache/revlm";
  }
  environment.variables = std::move(variables);
  return environment;
}

}  // namespace revlm
