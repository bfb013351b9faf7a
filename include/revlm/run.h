// Puts prompts to models, each model in a worker process of its own.
//
//   revlm::RunOptions options;
//   options.models = {"./my-model"};
//   options.prompts = {"The capital of France is"};
//   revlm::Result<revlm::RunSummary> run = revlm::Run(options);
//   if (run) puts(run->results[0].text.c_str());
//
// A run lives in a directory (docs/formats/run-directory.md). Each finished
// operation (one prompt on one model) is journaled there; a run that was
// stopped or killed goes on where it was when started again with the same
// options.
//
// A worker that dies fails the operations it held, or is started again; other
// models go on. Of several models, one that cannot be opened fails its own
// operations; a single one is the returned error.
//
// Threads: `Run` may be called from many threads for different directories;
// events are delivered on the calling thread, and workers end when it does.
// Memory: `memory_limit_bytes`, for this process and its workers together, as
// long as nothing else in this process takes much; refused below the floor
// (revlm/plan.h).
// Errors, as the returned error (nothing was run) or as `stopped_by` (finished
// operations are kept): kInvalidArgument (options, prompt files, a directory in
// use or of another plan), kNotFound, kCorrupt, kUnsupported (model),
// kBudgetExceeded (the model does not fit), kUnavailable (I/O, disk full),
// kCancelled (`stop`, `drain`).
// Determinism: a result depends on the model, its prompt and the parameters,
// bit for bit within one numerics class; never on other prompts, their order,
// the number of threads, the memory limit, or an interruption.
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
#include "revlm/prompts.h"

namespace revlm {

// What products are computed in: kF32 is exact to rounding; kBf16 rounds
// factors to bf16 and sums in f32; kAuto is kBf16 for bf16 checkpoints, else
// kF32.
enum class Dtype { kAuto, kF32, kBf16 };

// Which hidden states of a prompt are kept, of every layer: those of its last
// token, their mean, or all.
enum class HiddenStates { kNone, kLast, kMean, kAll };

// How a prompt is put to a model: as the text that it is, or as a user's
// message of a conversation, written by the chat template of the model's
// tokenizer, which then begins the answer.
enum class PromptForm {
  kAuto,  // chat when there is a template, else text
  kText,
  kChat,  // a model without a template, or with one that cannot be read, fails
};

struct SamplingOptions {
  float temperature = 0;  // 0: the most probable token, always
  int32_t top_k = 0;      // choose among the k most probable; 0: all
  float top_p = 1;        // choose among the fewest with this probability
  uint64_t seed = 0;
};

// Which prompts go to which models.
enum class Mode {
  kCrossProduct,  // every prompt to every model
  kPaired,     // the first to the first, and so on until one of them runs out
  kBroadcast,  // no fewer prompts than models: all prompts to the first model;
               // fewer: the first prompt to all models
};

inline constexpr uint64_t kDefaultMemoryLimitBytes = uint64_t{36} << 30;
inline constexpr uint64_t kDefaultPerProcessBytes = uint64_t{2} << 30;
// No figure in GiB may be larger.
inline constexpr double kMaxGibibytes = 1e6;

struct RunOptions {
  // Model references, `[alias=]TARGET`: a directory, or `hf:ORG/NAME[@REV]` in
  // the Hugging Face cache. At least one.
  std::vector<std::string> models;

  // The prompts: those of the file (one a line, or JSON Lines when its name
  // ends in .jsonl), then these. Without any, the first `num_challenges` of the
  // built-in set (kDefaultPrompts when not given).
  std::string prompt_file;
  std::vector<std::string> prompts;
  std::optional<int32_t> num_challenges;
  // Without prompts of one's own: when given, they are made from
  // `sampling.seed` by these systems (at most kMaxPrompts) and not taken from
  // the built-in set. All are made before any is asked.
  std::optional<PromptOrchestration> orchestration;
  // When not given: kAuto for prompts that are made by `orchestration`, kText
  // for others.
  std::optional<PromptForm> prompt_form;
  // Adds the special tokens that the model's tokenizer asks for. A conversation
  // has those of its template: without them only text can be asked.
  bool special_tokens = true;

  Mode mode = Mode::kCrossProduct;

  // What is asked of each.
  int32_t max_tokens = 16;  // new tokens; 0: only the prompt is scored
  SamplingOptions sampling;
  int32_t num_logprobs = 0;      // alternatives reported for each token
  bool prompt_logprobs = false;  // also score the prompt's own tokens
  HiddenStates capture = HiddenStates::kNone;
  Dtype dtype = Dtype::kAuto;

  // How it is done; never changes a result.
  int32_t num_threads = 0;  // 0: one for each CPU this process may use
  // The most prompts that go through a model together; when not given, as many
  // as are fastest in the memory there is.
  std::optional<int32_t> batch_size;
  // How much is done at once is tuned while the run goes on: each time so many
  // operations have finished, from what they took, and at once when others want
  // memory (adaptive.jsonl in the run's directory says what was changed, and
  // why).
  bool adaptive = false;
  int32_t adaptation_interval = 20;
  // Weights that fit in memory stay there between passes; without it every pass
  // reads all of them from disk.
  bool keep_weights = true;
  // Of prompts that have none of their own: of a model's, those with more are
  // asked first; models in the order of the most that one of their prompts has.
  int32_t priority = 0;
  // The most this process and its workers may hold; when not given,
  // kDefaultMemoryLimitBytes. Where a control group or the machine has less, 80
  // % of what is available, or with `memory_strict` a refusal.
  std::optional<uint64_t> memory_limit_bytes;
  bool memory_strict = false;
  // The memory that each model at once must find room for: when given, a cap on
  // how many there are. A worker's lease is its share of the limit, which may
  // be more. More than the limit leaves beside its reserve is refused.
  std::optional<uint64_t> per_process_bytes;
  // At most so many worker processes at once, each with a model of its own;
  // never more than there are models and memory for. CPUs are shared out among
  // them. When not given, as many as are predicted to be fastest, never more
  // than `batch_size` where that is given.
  std::optional<int32_t> num_workers;
  // How often what failed for a passing reason is tried again, and how often a
  // prompt may kill its worker before it is put aside. 0: never, and once.
  int32_t max_retries = 3;
  // Keeps away from a model when three of its last five passes failed: its
  // worker ends, and in 30 seconds one prompt tries it again. Where that fails
  // `max_retries` times in a row, the model is given up: its other operations
  // fail. Other models go on meanwhile. Of passes that a worker died in, those
  // count that showed which prompt it dies of.
  bool circuit_breaker = false;
  // The program revlm-worker. Empty: beside the file that holds this library
  // (a program or a shared object).
  std::string worker_program;
  // The process is this run's alone: its heap is tuned and fenced (RLIMIT_DATA)
  // to the limit.
  bool owns_process = false;

  // The directory of this run. Empty: a new one in `runs_dir`, or the one that
  // `runs_dir`/latest leads to when that is unfinished and of the same plan.
  std::string output_dir;
  std::string runs_dir = "rev-runs";

  // Of a run of more operations the summary holds only the results that failed:
  // all are in the run's directory, and those of earlier starts stay unread.
  uint64_t max_summary_results = UINT64_MAX;

  std::vector<std::string> command_line;  // noted in the manifest
  Environment environment;
  std::stop_token stop;  // ends the run within a layer
  // Ends it gently: nothing more is begun, and the prompts that are in flight
  // (of each worker, those that it works on together) are finished and kept.
  // That takes as long as they do; `stop` is the way out.
  std::stop_token drain;
  std::function<void(const RunEvent&)> on_event;  // may be empty
};

struct AlternativeToken {
  int32_t id = 0;
  std::string text;  // as `TokenResult::text`
  float logprob = 0;

  bool operator==(const AlternativeToken&) const = default;
};

struct TokenResult {
  int32_t id = 0;
  std::string text;  // this token alone, decoded; parts of a character: U+FFFD
  // Natural logarithm, of the model's own distribution (temperature 1).
  float logprob = 0;
  std::vector<AlternativeToken> alternatives;  // most probable first

  bool operator==(const TokenResult&) const = default;
};

// One prompt on one model.
struct OperationResult {
  std::string model;      // alias
  std::string reference;  // as given
  std::string id;         // the prompt's
  std::string key;        // 64 hex: model, prompt and parameters
  std::string prompt;
  std::vector<int32_t> prompt_token_ids;
  std::vector<TokenResult> prompt_tokens;  // when asked: the second and later
  std::vector<TokenResult> tokens;         // the new ones
  std::string text;                        // the new tokens, decoded together
  // "stop" (an end-of-sequence token, the last of `tokens`), "length" or
  // "context" (the model's context is full); empty when it failed.
  std::string finish_reason;
  std::string capture_file;  // beneath the run directory; empty: none
  std::optional<Error> error;
  // From being given to its model until it was finished; prompts go together,
  // so these are no parts of a whole. 0: finished by an earlier start, or never
  // given. Not part of what is compared or written to results.jsonl.
  double duration_seconds = 0;
  // How often it was asked: 1 and a retry for each time that it failed for a
  // passing reason; 0: never, as it could not be. Not part of what is compared
  // or written to results.jsonl.
  int32_t attempts = 1;
};

struct ModelSummary {
  std::string alias;
  std::string reference;
  std::string directory;
  std::string commit;  // of the Hugging Face cache; empty: not from there
  std::string model_type;
  std::string dtype;    // of the largest part of the weights, "BF16"
  std::string compute;  // "f32" or "bf16"
  uint64_t num_parameters = 0;
  uint64_t weight_bytes = 0;
  std::string tensor_root;  // 64 hex over all weights; empty: not yet known
};

struct RunSummary {
  std::string run_dir;
  std::vector<ModelSummary> models;
  int64_t num_prompts = 0;
  std::vector<PromptSystemReport> prompt_systems;  // none: none made them
  std::string mode;  // "cross_product", "paired" or "broadcast"
  // Finished operations, in the order of models, then prompts; of a run of more
  // than `max_summary_results` those that failed.
  std::vector<OperationResult> results;
  int64_t num_operations = 0;      // of the plan
  int64_t num_finished = 0;        // of them, in the run's directory
  int64_t num_failed = 0;          // of the finished ones
  int64_t num_resumed = 0;         // of them, finished by an earlier start
  int64_t num_resumed_failed = 0;  // of those
  int64_t num_retried = 0;         // of them, that took several attempts
  double seconds = 0;              // of this start
  uint64_t peak_memory_bytes = 0;  // of this process and its workers together
  uint64_t planned_memory_bytes = 0;  // what was planned for it; 0: no run
  uint64_t memory_limit_bytes = 0;
  // Why the run is not complete, if so; starting it again resumes it.
  std::optional<Error> stopped_by;
};

Result<RunSummary> Run(const RunOptions& options);

}  // namespace revlm
