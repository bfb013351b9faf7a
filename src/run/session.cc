#include "run/session.h"

#include <algorithm>
#include <stop_token>
#include <utility>

#include "base/file.h"
#include "memory/image.h"
#include "run/operation.h"
#include "run/process_heap.h"

namespace revlm::run {
namespace {

// While another small file is loaded, it takes this many times its size.
constexpr double kLoadingShare = 2.5;

// What loading took beside what is kept. Of a tokenizer, that is its text and
// the lists that it is built from, which take no more than what is built.
uint64_t LoadingBytes(const Model& model) {
  uint64_t largest = 0;
  for (const formats::SmallFile& file : model.checkpoint->small_files()) {
    const uint64_t bytes =
        file.name == formats::kTokenizerName
            ? file.size_bytes + model.tokenizer->heap_bytes()
            : static_cast<uint64_t>(static_cast<double>(file.size_bytes) *
                                    kLoadingShare);
    largest = std::max(largest, bytes);
  }
  return largest;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::Open(const OpenModel& message) {
  std::unique_ptr<Session> session(new Session(message));
  REVLM_ASSIGN_OR_RETURN(session->model_,
                         LoadModel(message.reference, session->options_,
                                   session->budget_, message.spill_directory));
  return session;
}

ModelDescription Session::Describe() const {
  ModelDescription description = run::Describe(model_);
  memory::Image image = memory::ReadImage();
  image.ranges.clear();
  description.process = {
      .image = std::move(image),
      .heap_bytes = HeapInUse(model_.tokenizer->heap_bytes() +
                              model_.checkpoint->heap_bytes() +
                              (model_.chat ? model_.chat->heap_bytes() : 0) +
                              description.need.heap_bytes),
      .loading_bytes = LoadingBytes(model_)};
  return description;
}

EncodedPrompts Session::Encode(const EncodePrompts& message) const {
  EncodedPrompts encoded;
  encoded.prompts.reserve(message.texts.size());
  for (const std::string& text : message.texts) {
    EncodedPrompt& prompt = encoded.prompts.emplace_back();
    auto ids = EncodePrompt(model_, text, options_.special_tokens);
    if (ids) {
      prompt.token_ids = *std::move(ids);
    } else {
      prompt.error = std::move(ids).error();
    }
  }
  return encoded;
}

void Session::Take(TakeRequests message) {
  if (message.num_in_all) {
    keys_.clear();
    requests_.clear();
    keys_.reserve(*message.num_in_all);
    requests_.reserve(*message.num_in_all);
  }
  for (PromptRequest& request : message.requests) {
    requests_.push_back(MakeRequest(options_, request.key,
                                    request.max_new_tokens,
                                    std::move(request.token_ids)));
    keys_.push_back(std::move(request.key));
  }
}

uint64_t Session::FloorBytes() { return model_.engine->FloorBytes(requests_); }

Result<memory::Reservation> Session::LeaveFor(uint64_t engine_bytes) {
  return budget_.Reserve(
      budget_.limit_bytes() - std::min(engine_bytes, budget_.limit_bytes()),
      memory::Use::kProgram);
}

int32_t Session::ThreadsOf(int32_t num_threads) const {
  const int32_t all = model_.engine->num_threads();
  return num_threads > 0 ? std::min(num_threads, all) : all;
}

Result<engine::RunPlan> Session::Plan(const AskPlan& message) {
  REVLM_ASSIGN_OR_RETURN(const memory::Reservation others,
                         LeaveFor(message.engine_bytes));
  model_.engine->UseThreads(ThreadsOf(message.num_threads));
  return model_.engine->Plan(requests_);
}

Result<std::optional<WeightDigests>> Session::FindDigests(bool reads_weights) {
  std::optional<WeightDigests> kept = cache_.Find(*model_.checkpoint);
  if (kept) return kept;
  if (!std::exchange(hashes_, true)) model_.engine->HashWeights();
  if (!reads_weights) return std::nullopt;
  REVLM_ASSIGN_OR_RETURN(const auto tensors,
                         model_.engine->TensorDigests(std::stop_token()));
  REVLM_ASSIGN_OR_RETURN(WeightDigests digests,
                         MakeWeightDigests(*model_.checkpoint, tensors));
  cache_.Store(*model_.checkpoint, digests);
  return digests;
}

FromWorker Session::Digests(const AskDigests& message) {
  auto digests = FindDigests(message.reads_weights);
  if (!digests) return Failed{.error = std::move(digests).error()};
  if (!*digests) return DigestRoot{};
  if (!message.tensors_file.empty()) {
    const Status written = base::WriteFileAtomically(
        message.tensors_file,
        TensorsToJson(*model_.checkpoint, **digests).dump(1) + "\n");
    if (!written) return Failed{.error = written.error(), .is_of_output = true};
  }
  return DigestRoot{(*digests)->root};
}

}  // namespace revlm::run
