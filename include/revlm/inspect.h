// Says what a model on disk is, from its files, without running it.
//
// Threads: pure function of the file system. Memory: that of the model's
// configuration; with `hash`, two parts of the weights. Errors: kNotFound,
// kCorrupt, kUnavailable, kInvalidArgument, kCancelled. A model of a family
// that cannot be run is described too.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "revlm/environment.h"
#include "revlm/error.h"
#include "revlm/event.h"

namespace revlm {

struct InspectOptions {
  std::string model;  // reference
  bool hash = false;  // read all weights: digests of files and tensors
  Environment environment;
  std::stop_token stop;
  // Of reading weights, with `hash`; one operation is one file. May be empty.
  std::function<void(const RunEvent&)> on_event;
};

struct InspectReport {
  struct File {
    std::string name;
    uint64_t size_bytes = 0;
    std::string sha256;  // of weight files: with `hash` only
  };
  struct DtypeCount {
    std::string dtype;
    uint64_t num_tensors = 0;
    uint64_t num_parameters = 0;
    uint64_t bytes = 0;
  };
  // Layers of equal size that follow one another; -1: what is in no layer
  // (embeddings, final norm, head).
  struct LayerGroup {
    int32_t first_layer = -1;
    int32_t last_layer = -1;
    uint64_t num_tensors = 0;  // of each layer
    uint64_t bytes = 0;        // of each layer
  };
  struct TensorSha256 {
    std::string name;
    std::string dtype;
    std::vector<uint64_t> shape;
    std::string sha256;
  };
  struct SpecialToken {
    std::string role;  // "bos", "eos"
    int64_t id = -1;
    std::string text;
  };
  struct Tokenizer {
    std::optional<Error> error;  // why it cannot be used
    std::string description;     // "BPE, byte-level, 2048 tokens"
    std::vector<SpecialToken> special_tokens;
  };
  struct Memory {
    uint64_t resident_bytes = 0;      // all weights that passes read, kept
    uint64_t streaming_bytes = 0;     // of them, the least: two small slabs
    uint64_t prompt_token_bytes = 0;  // each prompt token in flight
    uint64_t kv_token_bytes = 0;      // each token of a sequence that generates
  };

  std::string alias;
  std::string reference;
  std::string directory;
  std::string model_id;  // ORG/NAME and 40 hex, of the Hugging Face cache
  std::string commit;
  std::string model_type;
  std::vector<std::string> architectures;
  std::optional<Error> cannot_run;  // why the engine refuses it
  int64_t num_layers = 0;
  int64_t hidden_size = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t vocab_size = 0;
  int64_t context_length = 0;
  uint64_t num_tensors = 0;
  uint64_t num_parameters = 0;
  uint64_t weight_bytes = 0;
  std::string compute;             // what --dtype auto means here
  std::vector<DtypeCount> dtypes;  // most bytes first
  std::vector<LayerGroup> layers;
  Tokenizer tokenizer;
  std::optional<Memory> memory;  // when it can be run
  std::vector<File> files;
  std::vector<TensorSha256> tensors;  // with `hash`
  std::string tensor_root;            // with `hash`
};

Result<InspectReport> Inspect(const InspectOptions& options);

}  // namespace revlm
