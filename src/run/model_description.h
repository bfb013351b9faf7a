// A model as the process that plans and records a run knows it: what its worker
// said about it (run/session.h), without its tensors and its tokenizer.
//
// Threads: plain data; pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/engine.h"
#include "memory/image.h"
#include "revlm/run.h"

namespace revlm::run {

struct SmallFileFact {
  std::string name;
  uint64_t size_bytes = 0;
  std::string sha256;  // hex
};

struct WeightFileFact {
  std::string name;
  base::FileIdentity identity;

  bool operator==(const WeightFileFact&) const = default;
};

// What a process that has a model open takes, beside its engine's budget.
struct ProcessNeed {
  memory::Image image;         // without its ranges
  uint64_t heap_bytes = 0;     // once everything small is loaded
  uint64_t loading_bytes = 0;  // beside that, while it was loaded
};

struct ModelDescription {
  // The reference's alias or name, with anything but [A-Za-z0-9._-] replaced,
  // and "-2", "-3" when an earlier model of the run has the same, is
  // `summary.alias`. `summary.tensor_root` is empty.
  ModelSummary summary;
  std::string name;                     // what the alias is made of
  std::optional<std::string> model_id;  // when in the Hugging Face cache
  std::string identity;                 // run/model.h
  std::string chat_template_sha256;     // hex; empty: prompts are text
  engine::NumericsClass numerics;
  std::vector<SmallFileFact> small_files;
  std::vector<WeightFileFact> weight_files;
  engine::MemoryNeed need;
  ProcessNeed process;
};

// `name` made safe in a file name and on a terminal, with "-2", "-3" when it is
// `taken`, to which it is added.
std::string MakeAlias(std::string name, std::set<std::string>& taken);

// Whether a model that was opened again is the one that was described: its
// files, the weights' too, and what decides its bits.
bool IsSameModel(const ModelDescription& described,
                 const ModelDescription& opened);

base::Json NumericsToJson(const engine::NumericsClass& numerics);

// What tells that weight files are still those seen before:
// [{"name", "device", "inode", "size_bytes", "modified_ns"}, ...].
base::Json WeightFilesToJson(const std::vector<WeightFileFact>& files);

}  // namespace revlm::run
