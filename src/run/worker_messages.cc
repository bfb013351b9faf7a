#include "run/worker_messages.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "revlm/version.h"

namespace revlm {

template <class Wire>
void Fields(Wire& wire, Error& error) {
  wire.Enum(error.code, ErrorCode::kInternal);
  wire(error.message);
}

template <class Wire>
void Fields(Wire& wire, Environment& environment) {
  wire(environment.hf_hub_cache, environment.huggingface_hub_cache,
       environment.hf_home, environment.xdg_cache_home, environment.home,
       environment.cache_dir);
}

template <class Wire>
void Fields(Wire& wire, RunOptions& options) {
  PromptForm form = options.prompt_form.value_or(PromptForm::kText);
  wire.Enum(form, PromptForm::kChat);
  options.prompt_form = form;
  wire(options.special_tokens, options.sampling.temperature,
       options.sampling.top_k, options.sampling.top_p, options.sampling.seed,
       options.num_logprobs, options.prompt_logprobs);
  wire.Enum(options.capture, HiddenStates::kAll);
  wire.Enum(options.dtype, Dtype::kBf16);
  wire(options.num_threads, options.batch_size, options.keep_weights,
       options.adaptive);
  wire.Within(options.adaptation_interval, 1, INT32_MAX);
  wire(options.environment);
}

template <class Wire>
void Fields(Wire& wire, ModelSummary& summary) {
  wire(summary.alias, summary.reference, summary.directory, summary.commit,
       summary.model_type, summary.dtype, summary.compute,
       summary.num_parameters, summary.weight_bytes, summary.tensor_root);
}

template <class Wire>
void Fields(Wire& wire, AlternativeToken& token) {
  wire(token.id, token.text, token.logprob);
}

template <class Wire>
void Fields(Wire& wire, TokenResult& token) {
  wire(token.id, token.text, token.logprob, token.alternatives);
}

template <class Wire>
void Fields(Wire& wire, OperationResult& result) {
  wire(result.prompt_tokens, result.tokens, result.text, result.finish_reason,
       result.capture_file, result.error);
}

namespace base {

template <class Wire>
void Fields(Wire& wire, FileIdentity& identity) {
  wire(identity.device, identity.inode, identity.size_bytes,
       identity.modified_ns);
}

}  // namespace base

namespace memory {

template <class Wire>
void Fields(Wire& wire, ImageFile& file) {
  wire(file.name, file.mapped_bytes, file.copied_bytes);
}

template <class Wire>
void Fields(Wire& wire, Image& image) {
  wire(image.files, image.mapped_bytes, image.copied_bytes);
}

}  // namespace memory

namespace engine {

template <class Wire>
void Fields(Wire& wire, NumericsClass& numerics) {
  wire(numerics.isa, numerics.compute, numerics.products, numerics.row_tile,
       numerics.kernels);
}

template <class Wire>
void Fields(Wire& wire, MemoryNeed& need) {
  wire(need.weight_bytes, need.pass_bytes, need.least_slab_bytes,
       need.row_bytes, need.kv_bytes_per_token, need.heap_bytes,
       need.thread_bytes, need.library_bytes);
}

template <class Wire>
void Fields(Wire& wire, MemoryUse& use) {
  wire(use.slab_bytes, use.ring_bytes, use.pinned_bytes, use.activation_bytes,
       use.kv_bytes, use.scratch_bytes, use.heap_bytes, use.result_bytes,
       use.spilled_bytes);
}

template <class Wire>
void Fields(Wire& wire, RunPlan& plan) {
  wire(plan.use, plan.floor_bytes, plan.num_slabs, plan.num_pinned_slabs,
       plan.rows_per_pass, plan.sequences_per_group, plan.num_groups,
       plan.num_passes, plan.seconds, plan.read_seconds,
       plan.read_bytes_per_second, plan.flops_per_second);
}

template <class Wire>
void Fields(Wire& wire, Progress& progress) {
  wire.Enum(progress.phase, Progress::Phase::kDecode);
  wire(progress.slab_idx, progress.num_slabs, progress.tokens_done,
       progress.num_complete, progress.num_requests, progress.read_bytes);
}

}  // namespace engine

namespace sched {

template <class Wire>
void Fields(Wire& wire, Setting& setting) {
  wire.Within(setting.batch_size, 1, INT32_MAX);
  wire.Within(setting.num_threads, 1, INT32_MAX);
  wire.Within(setting.num_models, 1, INT32_MAX);
  wire(setting.memory_bytes);
}

template <class Wire>
void Fields(Wire& wire, Decision& decision) {
  wire(decision.setting, decision.reason);
}

}  // namespace sched

namespace run {

template <class Wire>
void Fields(Wire& wire, SmallFileFact& file) {
  wire(file.name, file.size_bytes, file.sha256);
}

template <class Wire>
void Fields(Wire& wire, WeightFileFact& file) {
  wire(file.name, file.identity);
}

template <class Wire>
void Fields(Wire& wire, ProcessNeed& need) {
  wire(need.image, need.heap_bytes, need.loading_bytes);
}

template <class Wire>
void Fields(Wire& wire, ModelDescription& model) {
  wire(model.summary, model.name, model.model_id, model.identity,
       model.chat_template_sha256, model.numerics, model.small_files,
       model.weight_files, model.need, model.process);
}

template <class Wire>
void Fields(Wire& wire, OpenModel& message) {
  wire(message.speaks, message.reference, message.spill_directory,
       message.budget_bytes, message.options);
}

template <class Wire>
void Fields(Wire& wire, EncodePrompts& message) {
  wire(message.texts);
}

template <class Wire>
void Fields(Wire& wire, PromptRequest& request) {
  wire(request.key, request.token_ids, request.max_new_tokens);
}

template <class Wire>
void Fields(Wire& wire, TakeRequests& message) {
  wire(message.num_in_all, message.requests);
}

template <class Wire>
void Fields(Wire& /*wire*/, AskFloor& /*message*/) {}

template <class Wire>
void Fields(Wire& wire, AskPlan& message) {
  wire(message.engine_bytes, message.num_threads);
}

template <class Wire>
void Fields(Wire& wire, AskDigests& message) {
  wire(message.reads_weights, message.tensors_file);
}

template <class Wire>
void Fields(Wire& wire, RunRequests& message) {
  wire(message.engine_bytes, message.num_threads, message.process_bytes,
       message.run_dir, message.alias);
}

template <class Wire>
void Fields(Wire& /*wire*/, Drain& /*message*/) {}

template <class Wire>
void Fields(Wire& wire, EncodedPrompt& prompt) {
  wire(prompt.token_ids, prompt.error);
}

template <class Wire>
void Fields(Wire& wire, EncodedPrompts& message) {
  wire(message.prompts);
}

template <class Wire>
void Fields(Wire& wire, FloorBytes& message) {
  wire(message.floor_bytes);
}

template <class Wire>
void Fields(Wire& wire, DigestRoot& message) {
  wire(message.root);
}

template <class Wire>
void Fields(Wire& wire, CompletedRequest& message) {
  wire(message.request_idx, message.result);
}

template <class Wire>
void Fields(Wire& /*wire*/, RunEnded& /*message*/) {}

template <class Wire>
void Fields(Wire& wire, Failed& message) {
  wire(message.error, message.is_of_output);
}

namespace {

template <typename Message>
std::string Write(const Message& message) {
  std::string bytes(1, static_cast<char>(message.index()));
  std::visit([&](const auto& of) { base::WireWriter{bytes}(of); }, message);
  return bytes;
}

template <typename Message, size_t... kPlaces>
Result<Message> Read(std::string_view bytes,
                     std::index_sequence<kPlaces...> /*places*/) {
  Message message;
  const size_t place =
      bytes.empty() ? sizeof...(kPlaces) : static_cast<uint8_t>(bytes[0]);
  const bool is_known =
      ((place == kPlaces && (message.template emplace<kPlaces>(), true)) ||
       ...);
  if (is_known) {
    base::WireReader reader(bytes.substr(1));
    std::visit([&](auto& of) { reader(of); }, message);
    if (reader.IsWhole()) return message;
  }
  return base::MakeError(ErrorCode::kCorrupt,
                         "reading a message of kind {} and {} bytes: it makes "
                         "no sense",
                         place, bytes.size());
}

}  // namespace

std::string ToBytes(const ToWorker& message) { return Write(message); }

std::string ToBytes(const FromWorker& message) { return Write(message); }

std::string SpokenHere() { return fmt::format("{} {}", kProtocol, kVersion); }

Result<ToWorker> ToWorkerFromBytes(std::string_view bytes) {
  // To another version the bytes behind may mean something else.
  if (bytes.starts_with('\0')) {
    std::string speaks;
    base::WireReader reader(bytes.substr(1));
    reader(speaks);
    if (speaks != SpokenHere()) {
      return base::MakeError(ErrorCode::kUnsupported,
                             "opening a model: revlm-worker speaks {}, the "
                             "program that started it does not; install both "
                             "from one build",
                             SpokenHere());
    }
  }
  return Read<ToWorker>(
      bytes, std::make_index_sequence<std::variant_size_v<ToWorker>>());
}

Result<FromWorker> FromWorkerFromBytes(std::string_view bytes) {
  return Read<FromWorker>(
      bytes, std::make_index_sequence<std::variant_size_v<FromWorker>>());
}

}  // namespace run
}  // namespace revlm
