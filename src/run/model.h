// A model as a worker has it open: its files checked, its tokenizer built, and
// its identity.
//
// The identity is that of everything but the weights' content: SHA-256 of
//
//   "revlm/model/v1" LF
//   name SP hex(SHA-256) LF           for each small file, by name
//   name SP dtype *(SP dimension) LF  for each tensor, by name
//
// (the weights themselves are the tensor root's, run/weight_digests.h).
//
// Threads: pure functions. Errors: those of references, checkpoints, tokenizers
// and of opening the engine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/engine.h"
#include "formats/checkpoint.h"
#include "formats/model_ref.h"
#include "revlm/run.h"
#include "run/chat_form.h"
#include "run/model_description.h"
#include "tokenizer/tokenizer.h"

namespace revlm::run {

struct Model {
  std::string reference;
  formats::ResolvedModel resolved;
  std::unique_ptr<formats::Checkpoint> checkpoint;  // stays where it is
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;
  std::optional<ChatForm> chat;  // how prompts are written; nothing: as text
  std::string identity;
  std::unique_ptr<engine::Engine> engine;  // borrows the checkpoint
};

engine::ComputeType ComputeOf(Dtype dtype);
formats::CacheRoots RootsFrom(const Environment& environment);

// Its engine takes its memory from `budget`, and room on the disk of
// `spill_directory`.
Result<Model> LoadModel(const std::string& reference, const RunOptions& options,
                        memory::Budget& budget,
                        const std::string& spill_directory);

std::string ModelIdentity(const formats::Checkpoint& checkpoint);

// The number of elements; 1 for a scalar.
uint64_t NumParameters(const formats::TensorInfo& tensor);

std::vector<WeightFileFact> WeightFilesOf(
    const formats::Checkpoint& checkpoint);

// All but the alias and what its process needs.
ModelDescription Describe(const Model& model);

}  // namespace revlm::run
