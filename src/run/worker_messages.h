// What a run's process and its workers say to each other: each message is one
// of these structs, the first byte of its frame is the struct's place in its
// variant, the rest are its fields (base/wire.h).
//
//   OpenModel      -> ModelDescription
//   EncodePrompts  -> EncodedPrompts
//   TakeRequests      (no answer)
//   AskFloor       -> FloorBytes
//   AskPlan        -> engine::RunPlan
//   AskDigests     -> DigestRoot
//   RunRequests    -> engine::RunPlan, then engine::Progress and
//                     CompletedRequest as they come, then RunEnded
//   Drain             (no answer of its own)
//
// An adaptive run is done in parts: then there is an engine::RunPlan for each,
// and a sched::Decision where what is done at once changes between two of them.
// Requests are counted from the first of all.
//
// Instead of its answer, anything may be answered by `Failed`; the worker goes
// on. There is one question at a time, but for texts to encode, which are sent
// one message ahead while both are little, and for Drain, which may come while
// requests are run: the group in flight is finished, no other is begun, and
// RunEnded leaves the rest without an answer. When nothing is run it means
// nothing. A worker that is to stop at once is killed: what it has answered by
// then counts.
//
// Threads: pure functions. Errors: kCorrupt; kUnsupported (the other end is of
// another version).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/wire.h"
#include "engine/engine.h"
#include "formats/hub_cache.h"
#include "revlm/run.h"
#include "run/model_description.h"
#include "sched/adaptive.h"

namespace revlm::run {

// The largest message of either side. Both sides limit what they put into one
// to much less, but for a single prompt or result.
inline constexpr uint32_t kMaxMessageBytes = uint32_t{1} << 30;
// What lists are cut to.
inline constexpr uint64_t kUsualMessageBytes = uint64_t{64} << 10;

// --- To a worker ---------------------------------------------------------

// What both ends must speak.
inline constexpr std::string_view kProtocol = "revlm.worker/5";

std::string SpokenHere();

struct OpenModel {
  // The sender's protocol and version; a worker of others refuses.
  std::string speaks = SpokenHere();
  std::string reference;
  std::string spill_directory;
  uint64_t budget_bytes = 0;  // no more will be given to its engine
  // Of these, what says how to compute and what to ask for.
  RunOptions options;
};

struct EncodePrompts {
  std::vector<std::string> texts;
};

struct PromptRequest {
  std::string key;
  std::vector<int32_t> token_ids;
  int32_t max_new_tokens = 0;
};

struct TakeRequests {
  // Given with the first of a list, and the list's length: those taken before
  // are forgotten.
  std::optional<uint64_t> num_in_all;
  std::vector<PromptRequest> requests;
};

struct AskFloor {};  // for the requests taken

struct AskPlan {
  uint64_t engine_bytes = 0;
  int32_t num_threads = 0;  // of those that it has; 0: all
};

struct AskDigests {
  bool reads_weights = false;  // else only digests that are kept are given
  std::string tensors_file;    // written when there are digests
};

struct RunRequests {
  uint64_t engine_bytes = 0;
  int32_t num_threads = 0;     // as AskPlan::num_threads
  uint64_t process_bytes = 0;  // that the whole process may hold
  std::string run_dir;         // captures go there
  std::string alias;
};

struct Drain {};

// --- From a worker -------------------------------------------------------

struct EncodedPrompt {
  std::vector<int32_t> token_ids;
  std::optional<Error> error;
};

struct EncodedPrompts {
  std::vector<EncodedPrompt> prompts;
};

struct FloorBytes {
  uint64_t floor_bytes = 0;
};

struct DigestRoot {
  std::string root;  // hex; empty: not known without reading the weights
};

struct CompletedRequest {
  uint64_t request_idx = 0;  // in the order in which they were taken
  // Without what its asker knows: model, reference, id, key, prompt.
  OperationResult result;
};

struct RunEnded {};

struct Failed {
  Error error;
  bool is_of_output = false;  // a file of the run could not be written
};

using ToWorker = std::variant<OpenModel, EncodePrompts, TakeRequests, AskFloor,
                              AskPlan, AskDigests, RunRequests, Drain>;
using FromWorker =
    std::variant<Failed, ModelDescription, EncodedPrompts, FloorBytes,
                 engine::RunPlan, DigestRoot, engine::Progress,
                 CompletedRequest, RunEnded, sched::Decision>;

std::string ToBytes(const ToWorker& message);
std::string ToBytes(const FromWorker& message);
Result<ToWorker> ToWorkerFromBytes(std::string_view bytes);
Result<FromWorker> FromWorkerFromBytes(std::string_view bytes);

}  // namespace revlm::run
