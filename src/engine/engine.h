// Streams a local model through memory layer by layer and answers prompts.
//
// One `Engine` is one opened checkpoint. `Run` takes all requests together: for
// each slab of weights (some rows of a matrix, up to several layers) it reads
// the slab once, runs every sequence in flight through it, and drops it, while
// the next ones are read. Decoding is the same pass with one row per live
// sequence. How large slabs are, how many requests go together, which slabs
// stay in memory and whether keys and values wait on disk is planned for what
// the budget has left (engine/memory_plan.h).
//
//   memory::Budget budget(limit_bytes);
//   auto engine = Engine::Open(checkpoint, budget, options);
//   (*engine)->Run(requests, {.on_complete = [](size_t i, Completion c)
//   {...}});
//
// Threads: thread-confined; it runs its own compute and reader threads inside
// `Run`, callbacks are called on the caller's thread. Lifetime: borrows the
// checkpoint and the budget, which must outlive it. Memory: what `Plan` says,
// reserved in the budget when `Run` begins and given back when it ends.
// Errors: kUnsupported (architecture, named), kCorrupt (tensors that do not fit
// the configuration), kBudgetExceeded, kUnavailable (I/O), kCancelled.
// Determinism: within one `NumericsClass`, a request gives the same bits for
// any number of threads, company of other requests, order and memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "crypto/sha256.h"
#include "formats/checkpoint.h"
#include "memory/budget.h"

namespace revlm::engine {

// What products are computed in. kF32: everything in f32, weights widened
// exactly. kBf16: factors rounded to bf16, sums in f32; residual stream, norms,
// softmax and logits in f32. kAuto: kBf16 for bf16 checkpoints, else kF32.
enum class ComputeType { kAuto, kF32, kBf16 };

// Which hidden states of the prompt a request returns.
enum class Capture { kNone, kLast, kMean, kAll };

struct Sampling {
  float temperature = 0;  // 0: greedy
  int32_t top_k = 0;      // 0: all tokens
  float top_p = 1;        // keep the smallest set with at least this much
  uint64_t seed = 0;      // of this request's own stream of random numbers
};

struct Request {
  std::vector<int32_t> prompt;  // token ids; at least one
  int32_t max_new_tokens = 16;  // 0: only score the prompt
  Sampling sampling;
  int32_t num_top_logprobs = 0;  // alternatives reported per token
  bool want_prompt_logprobs = false;
  bool want_prompt_logits = false;  // every logit of every prompt position
  bool ignore_stop_tokens = false;  // generate max_new_tokens in any case
  Capture capture = Capture::kNone;
};

struct Alternative {
  int32_t id = 0;
  float logprob = 0;
};

struct TokenScore {
  int32_t id = 0;
  float logprob = 0;                      // natural log, of the model's own
  std::vector<Alternative> alternatives;  // distribution (temperature 1)
};

enum class FinishReason {
  kStop,     // an end-of-sequence token (the last one in `tokens`)
  kLength,   // max_new_tokens
  kContext,  // the model's context is full
};

struct Completion {
  // Set when this request failed and others went on: kInvalidArgument for a
  // prompt beyond the context, empty or with ids outside the vocabulary.
  std::optional<Error> error;
  std::vector<TokenScore> tokens;         // new tokens
  std::vector<TokenScore> prompt_scores;  // of prompt[1], prompt[2], ...
  FinishReason finish_reason = FinishReason::kLength;
  // Row-major [num_layers + 1][positions][hidden_size]: the embedding output,
  // then each layer's output, the last one after the final norm. positions is 1
  // for kLast and kMean.
  std::vector<float> hidden_states;
  std::vector<float> prompt_logits;  // row-major [positions][vocab_size]
};

struct Progress {
  enum class Phase { kPrefill, kDecode };
  Phase phase = Phase::kPrefill;
  int32_t slab_idx = 0;  // within this pass over the weights
  int32_t num_slabs = 0;
  int64_t tokens_done = 0;  // prompt and new tokens through the last layer
  int32_t num_complete = 0;
  int32_t num_requests = 0;
  uint64_t read_bytes = 0;  // weights read from disk so far
};

struct EngineOptions {
  ComputeType compute = ComputeType::kAuto;
  int32_t num_threads = 0;  // 0: one per CPU this process may use
  // The most requests that go together; when not given, as many as are fastest.
  std::optional<int32_t> batch_size;
  // Weights that fit stay in memory; else every pass reads all of them.
  bool keep_weights = true;
  // A directory on a disk, for keys and values that do not fit in memory.
  // Empty: they always stay in memory.
  std::string spill_directory;
};

// Runs are bit-identical only within one class.
struct NumericsClass {
  std::string isa;       // what products use, e.g. "avx512_core_bf16"
  std::string compute;   // "f32" or "bf16"
  std::string products;  // "oneDNN 2.6.3"
  int32_t row_tile = 0;  // products run on tiles of this many rows; 0: any
  std::string kernels;   // our own loops: "avx512", "avx2", "baseline"
};

// What a model needs, whatever is asked of it.
struct MemoryNeed {
  uint64_t weight_bytes = 0;        // all tensors of the model
  uint64_t pass_bytes = 0;          // those that a pass reads
  uint64_t least_slab_bytes = 0;    // the smallest slabs can be
  uint64_t row_bytes = 0;           // of activations, a token of a pass
  uint64_t kv_bytes_per_token = 0;  // a token of a sequence that generates
  uint64_t heap_bytes = 0;     // kept by the engine while it is open, at most
  uint64_t thread_bytes = 0;   // of its threads: stacks, what malloc keeps
  uint64_t library_bytes = 0;  // kept by the process once the model has run
};

// What a run holds, by use.
struct MemoryUse {
  uint64_t slab_bytes = 0;        // one slab of the ring
  uint64_t ring_bytes = 0;        // slabs that are streamed
  uint64_t pinned_bytes = 0;      // slabs that stay
  uint64_t activation_bytes = 0;  // rows of a pass
  uint64_t kv_bytes = 0;          // keys and values in memory
  uint64_t scratch_bytes = 0;     // norms, biases, threads' scratch
  uint64_t heap_bytes = 0;        // products and their proofs
  uint64_t result_bytes = 0;      // answers until they are handed over
  uint64_t spilled_bytes = 0;     // keys and values on disk: no memory

  uint64_t peak_bytes() const;
};

// How a run goes in the memory there is.
struct RunPlan {
  MemoryUse use;
  uint64_t floor_bytes = 0;  // the least these requests can do with
  int32_t num_slabs = 0;
  int32_t num_pinned_slabs = 0;
  int64_t rows_per_pass = 0;        // at most
  int64_t sequences_per_group = 0;  // at most, that decode together
  int32_t num_groups = 0;
  int64_t num_passes = 0;   // over the weights, when nothing stops early
  double seconds = 0;       // predicted
  double read_seconds = 0;  // of the disk alone
  double read_bytes_per_second = 0;  // what the prediction rests on
  double flops_per_second = 0;
};

struct RunHooks {
  // Called once, before any memory is taken; may be empty. Not when there is
  // nothing to run.
  std::function<void(const RunPlan&)> on_plan;
  // Called once per request, in order of completion.
  std::function<void(size_t request_idx, Completion completion)> on_complete;
  std::function<void(const Progress&)> on_progress;  // may be empty
  std::stop_token stop;  // checked once per slab; Run returns kCancelled
  // Asked before each group: whether to begin no other. Run returns kCancelled
  // then, with all requests complete that it began. May be empty.
  std::function<bool()> is_draining;
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> Open(
      const formats::Checkpoint& checkpoint, memory::Budget& budget,
      const EngineOptions& options);
  virtual ~Engine() = default;

  virtual const NumericsClass& numerics() const = 0;
  virtual MemoryNeed memory_need() const = 0;
  virtual int32_t num_layers() const = 0;
  virtual int32_t hidden_size() const = 0;
  virtual int32_t context_length() const = 0;
  virtual const std::vector<int32_t>& stop_tokens() const = 0;

  // The least budget that these requests can do with; fast.
  virtual uint64_t FloorBytes(std::span<const Request> requests) = 0;
  // How Run would go with what the budget has left. kBudgetExceeded below the
  // floor.
  virtual Result<RunPlan> Plan(std::span<const Request> requests) = 0;

  // Runs all requests to completion. A failed request is reported through
  // `on_complete`; the returned error is one that stopped the run. Requests
  // already completed stay completed.
  virtual Status Run(std::span<const Request> requests,
                     const RunHooks& hooks) = 0;

  // The threads that it was opened with, and so many of them for what follows:
  // from 1 to all.
  virtual int32_t num_threads() const = 0;
  virtual void UseThreads(int32_t num_threads) = 0;

  // From here on, passes take SHA-256 of weights as they first read them.
  virtual void HashWeights() = 0;
  // SHA-256 of the raw bytes of each tensor, in the order of
  // checkpoint.tensors(). Reads now what no pass has read yet. REQUIRES:
  // HashWeights was called.
  virtual Result<std::vector<crypto::Sha256Digest>> TensorDigests(
      std::stop_token stop) = 0;
};

// "f32", "bf16" or "auto", and "none", "last", "mean", "all".
std::string_view ComputeTypeName(ComputeType type);
std::string_view CaptureName(Capture capture);

}  // namespace revlm::engine
