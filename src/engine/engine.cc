#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "engine/pass_runner.h"
#include "engine/sampler.h"
#include "engine/weight_hasher.h"

namespace revlm::engine {
namespace {

constexpr int kNumReaders = 2;

// The sum over slabs of what they take in memory, at most.
uint64_t PlanBytes(const SlabPlan& plan, uint64_t* largest) {
  constexpr uint64_t kAlignmentSlack = 16 << 10;
  uint64_t total = 0;
  for (const std::vector<SlabPart>& slab : plan.slabs) {
    uint64_t bytes = kAlignmentSlack;
    for (const SlabPart& part : slab) bytes += part.size_bytes;
    total += bytes;
    if (largest != nullptr) *largest = std::max(*largest, bytes);
  }
  return total;
}

// Which position of which sequence a head row scores.
struct ScoredPosition {
  Sequence* sequence = nullptr;
  int64_t position = 0;
};

class StreamingEngine : public Engine {
 public:
  StreamingEngine(const formats::Checkpoint& checkpoint,
                  const EngineOptions& options, ModelSpec spec)
      : checkpoint_(checkpoint),
        options_(options),
        spec_(std::move(spec)),
        pool_(options.num_threads > 0 ? options.num_threads
                                      : ThreadPool::NumUsableCpus()) {}

  Status Start();

  const NumericsClass& numerics() const override { return numerics_; }
  const MemoryNeed& memory_need() const override { return need_; }
  int32_t num_layers() const override {
    return static_cast<int32_t>(spec_.num_layers);
  }
  int32_t hidden_size() const override {
    return static_cast<int32_t>(spec_.hidden_size);
  }
  int32_t context_length() const override {
    return static_cast<int32_t>(spec_.max_positions);
  }
  const std::vector<int32_t>& stop_tokens() const override {
    return spec_.stop_tokens;
  }

  Status Run(std::span<const Request> requests, const RunHooks& hooks) override;
  Result<std::vector<crypto::Sha256Digest>> TensorDigests(
      std::stop_token stop) override;

 private:
  // Requests that are in flight together, from `begin` on.
  struct Group {
    std::vector<Sequence> sequences;
    size_t end = 0;  // the first request after it
  };

  void DescribeMemory();
  Status OpenStream();
  std::optional<Error> CheckRequest(const Request& request) const;
  uint64_t StateBytes(const Request& request) const;
  Result<Group> Admit(std::span<const Request> requests, size_t begin,
                      const RunHooks& hooks);
  Status RunGroup(Group& group, bool is_last, const RunHooks& hooks);
  Status RunPass(Progress::Phase phase, std::span<Sequence*> live,
                 bool another_follows, const RunHooks& hooks);
  void ScorePromptRow(const HeadRow& row, const ScoredPosition& at) const;
  void AddToken(const HeadRow& row, Sequence& sequence) const;
  void Complete(const RunHooks& hooks, size_t request_idx,
                Completion completion);

  const formats::Checkpoint& checkpoint_;
  const EngineOptions options_;
  const ModelSpec spec_;
  ThreadPool pool_;
  NumericsClass numerics_;
  MemoryNeed need_;
  SlabPlan plan_;
  Residency residency_ = Residency::kStream;
  std::unique_ptr<Matmul> matmul_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<WeightHasher> hasher_;
  std::unique_ptr<SlabStream> stream_;  // from the first Run on
  std::unique_ptr<PassRunner> passes_;
  Progress progress_;
};

ComputeType ChooseCompute(ComputeType asked, const ModelSpec& spec,
                          const formats::Checkpoint& checkpoint) {
  if (asked != ComputeType::kAuto) return asked;
  const int32_t weight = spec.layers.front().attention_output.weight;
  return checkpoint.tensors()[static_cast<size_t>(weight)].dtype ==
                 formats::DType::kBf16
             ? ComputeType::kBf16
             : ComputeType::kF32;
}

Status StreamingEngine::Start() {
  const ComputeType compute =
      ChooseCompute(options_.compute, spec_, checkpoint_);
  const Kernels& kernels = BestKernels();
  REVLM_ASSIGN_OR_RETURN(matmul_, Matmul::Create(compute, pool_, kernels));
  numerics_ = matmul_->numerics();
  numerics_.kernels = kernels.name;
  machine_ = std::make_unique<Machine>(
      Machine{.spec = spec_,
              .checkpoint = checkpoint_,
              .matmul = *matmul_,
              .pool = pool_,
              .kernels = kernels,
              .kv_type = compute == ComputeType::kBf16 ? ElementType::kBf16
                                                       : ElementType::kF32});
  plan_ = PlanSlabs(spec_, checkpoint_, true);
  if (PlanBytes(plan_, nullptr) <= options_.resident_bytes) {
    residency_ = Residency::kResident;
  } else {
    plan_ = PlanSlabs(spec_, checkpoint_, false);
  }
  DescribeMemory();
  if (options_.hash_weights) {
    hasher_ = std::make_unique<WeightHasher>(checkpoint_);
  }
  return {};
}

void StreamingEngine::DescribeMemory() {
  need_.weight_bytes = checkpoint_.weight_bytes();
  need_.resident_weight_bytes =
      PlanBytes(PlanSlabs(spec_, checkpoint_, true), nullptr);
  PlanBytes(plan_, &need_.largest_slab_bytes);
  const uint64_t tile_logits =
      4 * static_cast<uint64_t>(kChunkRows * plan_.rows_per_tile);
  need_.scratch_bytes =
      LayerRunner::ScratchBytes(spec_, kChunkRows) + tile_logits;
  need_.streaming_bytes = 2 * need_.largest_slab_bytes + need_.scratch_bytes;
  need_.state_bytes_per_token =
      4 * static_cast<uint64_t>(spec_.hidden_size + spec_.rope.rotary_dim());
  need_.kv_bytes_per_token =
      2 * static_cast<uint64_t>(spec_.num_layers * spec_.kv_width()) *
      KvCache::ElementBytes(machine_->kv_type);
}

Status StreamingEngine::OpenStream() {
  std::vector<const base::File*> files;
  for (uint32_t i = 0; i < checkpoint_.num_files(); ++i) {
    files.push_back(&checkpoint_.file(i));
  }
  SlabStream::Options options = {.residency = residency_,
                                 .num_readers = kNumReaders};
  if (hasher_) {
    options.on_first_read = [this](const SlabView& view) {
      hasher_->Observe(plan_.slabs[static_cast<size_t>(view.slab_idx())], view);
    };
  }
  REVLM_ASSIGN_OR_RETURN(
      stream_, SlabStream::Create(std::move(files), plan_.slabs, options));
  passes_ = std::make_unique<PassRunner>(*machine_, plan_, *stream_);
  if (residency_ == Residency::kResident) return passes_->LoadEmbedding();
  return {};
}

std::optional<Error> StreamingEngine::CheckRequest(
    const Request& request) const {
  auto invalid = [](std::string message) {
    return Error{ErrorCode::kInvalidArgument, std::move(message)};
  };
  if (request.prompt.empty()) {
    return invalid("the prompt has no tokens; try one with text");
  }
  if (static_cast<int64_t>(request.prompt.size()) > spec_.max_positions) {
    return invalid(fmt::format(
        "the prompt has {} tokens, the model's context holds {}; prompts are "
        "never cut",
        request.prompt.size(), spec_.max_positions));
  }
  for (const int32_t id : request.prompt) {
    if (id < 0 || id >= spec_.vocab_size) {
      return invalid(
          fmt::format("the prompt has token id {}, the model's vocabulary ends "
                      "at {}; its tokenizer does not fit",
                      id, spec_.vocab_size - 1));
    }
  }
  if (request.num_top_logprobs < 0) {
    return invalid(fmt::format("num_top_logprobs is {}, allowed is 0 or more",
                               request.num_top_logprobs));
  }
  const uint64_t bytes = StateBytes(request);
  if (bytes > options_.state_bytes) {
    return Error{ErrorCode::kBudgetExceeded,
                 fmt::format("the prompt needs {} bytes of memory while it "
                             "runs, allowed are {}; try fewer new tokens, a "
                             "shorter prompt or a smaller capture",
                             bytes, options_.state_bytes)};
  }
  return std::nullopt;
}

// What a request takes while it is in flight.
uint64_t StreamingEngine::StateBytes(const Request& request) const {
  const uint64_t length = request.prompt.size();
  const uint64_t width = static_cast<uint64_t>(spec_.hidden_size);
  const uint64_t vocabulary = static_cast<uint64_t>(spec_.vocab_size);
  const bool scores_prompt =
      request.want_prompt_logprobs || request.want_prompt_logits;
  const uint64_t num_alternatives =
      std::min(static_cast<uint64_t>(request.num_top_logprobs), vocabulary);
  // Alternatives lie in the head's row and, scored, in the completion.
  uint64_t bytes = length * need_.state_bytes_per_token;
  bytes += (scores_prompt ? length : 1) *
           (HeadRunner::RowBytes(spec_) +
            2 * num_alternatives * sizeof(Alternative));
  if (request.max_new_tokens > 0) {
    const uint64_t longest =
        std::min(length + static_cast<uint64_t>(request.max_new_tokens),
                 static_cast<uint64_t>(spec_.max_positions));
    bytes += longest * need_.kv_bytes_per_token;
  }
  if (request.want_prompt_logits) bytes += 2 * length * vocabulary * 4;
  if (request.sampling.temperature > 0) bytes += vocabulary * 4;
  if (request.capture != Capture::kNone) {
    bytes += static_cast<uint64_t>(spec_.num_layers + 1) * width * 4 *
             (request.capture == Capture::kAll ? length : 1);
  }
  return bytes;
}

void StreamingEngine::Complete(const RunHooks& hooks, size_t request_idx,
                               Completion completion) {
  ++progress_.num_complete;
  hooks.on_complete(request_idx, std::move(completion));
}

// Takes requests from `begin` on while their state fits together.
Result<StreamingEngine::Group> StreamingEngine::Admit(
    std::span<const Request> requests, size_t begin, const RunHooks& hooks) {
  Group group;
  uint64_t bytes = 0;
  for (group.end = begin; group.end < requests.size(); ++group.end) {
    const Request& request = requests[group.end];
    if (std::optional<Error> error = CheckRequest(request)) {
      Completion completion;
      completion.error = std::move(error);
      Complete(hooks, group.end, std::move(completion));
      continue;
    }
    bytes += StateBytes(request);
    if (bytes > options_.state_bytes && !group.sequences.empty()) break;
    Sequence& sequence = group.sequences.emplace_back();
    sequence.request_idx = group.end;
    sequence.request = &request;
    sequence.ids = request.prompt;
    sequence.max_length = std::min(
        sequence.prompt_length() + request.max_new_tokens, spec_.max_positions);
    if (sequence.generates()) {
      REVLM_ASSIGN_OR_RETURN(
          sequence.kv, KvCache::Create(spec_.num_layers, sequence.max_length,
                                       spec_.kv_width(), machine_->kv_type));
    } else if (request.max_new_tokens > 0) {
      sequence.completion.finish_reason = FinishReason::kContext;
    }
  }
  return group;
}

Status StreamingEngine::Run(std::span<const Request> requests,
                            const RunHooks& hooks) {
  if (!stream_) REVLM_TRY(OpenStream());
  progress_ = {.num_requests = static_cast<int32_t>(requests.size())};
  size_t begin = 0;
  while (begin < requests.size()) {
    REVLM_ASSIGN_OR_RETURN(Group group, Admit(requests, begin, hooks));
    begin = group.end;
    if (group.sequences.empty()) continue;
    REVLM_TRY(RunGroup(group, begin == requests.size(), hooks));
  }
  return {};
}

Status StreamingEngine::RunGroup(Group& group, bool is_last,
                                 const RunHooks& hooks) {
  std::vector<Sequence*> live;
  for (Sequence& sequence : group.sequences) live.push_back(&sequence);
  Progress::Phase phase = Progress::Phase::kPrefill;
  while (!live.empty()) {
    // Whether a stop token will end all sequences is not known before the pass
    // is over; reading ahead supposes that it will not.
    const bool another_follows =
        !is_last || std::any_of(live.begin(), live.end(), [](Sequence* s) {
          return s->max_length > static_cast<int64_t>(s->ids.size()) + 1;
        });
    REVLM_TRY(RunPass(phase, live, another_follows, hooks));
    phase = Progress::Phase::kDecode;
    for (Sequence* sequence : live) {
      if (!sequence->is_finished) continue;
      sequence->kv = KvCache();
      Complete(hooks, sequence->request_idx, std::move(sequence->completion));
    }
    std::erase_if(live,
                  [](Sequence* sequence) { return sequence->is_finished; });
  }
  return {};
}

Status StreamingEngine::RunPass(Progress::Phase phase,
                                std::span<Sequence*> live, bool another_follows,
                                const RunHooks& hooks) {
  Pass pass = {.another_follows = another_follows};
  std::vector<ScoredPosition> scored;
  int64_t num_rows = 0;
  for (Sequence* sequence : live) {
    const Request& request = *sequence->request;
    Segment segment = {.sequence = sequence,
                       .first_row = num_rows,
                       .first_pos = sequence->num_done};
    segment.num_rows =
        static_cast<int64_t>(sequence->ids.size()) - sequence->num_done;
    const bool scores_prompt =
        phase == Progress::Phase::kPrefill &&
        (request.want_prompt_logprobs || request.want_prompt_logits);
    for (int64_t i = 0; i < segment.num_rows; ++i) {
      const bool is_end = i + 1 == segment.num_rows;
      if (!scores_prompt && !(is_end && sequence->generates())) continue;
      HeadRow row = {.pass_row = num_rows + i,
                     .num_alternatives = request.num_top_logprobs};
      row.keep_logits = (scores_prompt && request.want_prompt_logits) ||
                        (is_end && request.sampling.temperature > 0);
      if (!is_end) {
        row.known_next =
            sequence->ids[static_cast<size_t>(segment.first_pos + i + 1)];
      }
      pass.head_rows.push_back(std::move(row));
      scored.push_back({sequence, segment.first_pos + i});
    }
    num_rows += segment.num_rows;
    pass.segments.push_back(segment);
  }
  REVLM_TRY(passes_->Run(pass, hooks.stop, [&](int32_t done, int32_t total) {
    progress_.phase = phase;
    progress_.slab_idx = done;
    progress_.num_slabs = total;
    progress_.read_bytes = stream_->read_bytes();
    if (hooks.on_progress) hooks.on_progress(progress_);
  }));
  progress_.tokens_done += num_rows;
  for (size_t i = 0; i < scored.size(); ++i) {
    const HeadRow& row = pass.head_rows[i];
    Sequence& sequence = *scored[i].sequence;
    if (phase == Progress::Phase::kPrefill) ScorePromptRow(row, scored[i]);
    const bool is_end =
        scored[i].position + 1 == static_cast<int64_t>(sequence.ids.size());
    if (is_end && sequence.generates()) AddToken(row, sequence);
  }
  for (const Segment& segment : pass.segments) {
    segment.sequence->num_done += segment.num_rows;
    if (!segment.sequence->generates()) segment.sequence->is_finished = true;
  }
  return {};
}

// The alternatives of a row with logprobs for their logits.
std::vector<Alternative> Alternatives(const HeadRow& row) {
  std::vector<Alternative> alternatives = row.best_few;
  for (Alternative& alternative : alternatives) {
    alternative.logprob = row.LogProb(alternative.logprob);
  }
  return alternatives;
}

void StreamingEngine::ScorePromptRow(const HeadRow& row,
                                     const ScoredPosition& at) const {
  Completion& completion = at.sequence->completion;
  const Request& request = *at.sequence->request;
  if (request.want_prompt_logprobs && row.known_next >= 0) {
    completion.prompt_scores.push_back({.id = row.known_next,
                                        .logprob = row.LogProb(row.known_logit),
                                        .alternatives = Alternatives(row)});
  }
  if (request.want_prompt_logits) {
    completion.prompt_logits.insert(completion.prompt_logits.end(),
                                    row.logits.begin(), row.logits.end());
  }
}

void StreamingEngine::AddToken(const HeadRow& row, Sequence& sequence) const {
  const Request& request = *sequence.request;
  Completion& completion = sequence.completion;
  TokenScore token = {.id = row.best, .alternatives = Alternatives(row)};
  float logit = row.best_logit;
  if (request.sampling.temperature > 0) {
    token.id =
        SampleToken(row.logits, request.sampling, completion.tokens.size());
    logit = row.logits[static_cast<size_t>(token.id)];
  }
  token.logprob = row.LogProb(logit);
  sequence.ids.push_back(token.id);
  completion.tokens.push_back(std::move(token));
  const bool stops =
      !request.ignore_stop_tokens &&
      std::binary_search(spec_.stop_tokens.begin(), spec_.stop_tokens.end(),
                         sequence.ids.back());
  if (stops) {
    completion.finish_reason = FinishReason::kStop;
  } else if (static_cast<int32_t>(completion.tokens.size()) ==
             request.max_new_tokens) {
    completion.finish_reason = FinishReason::kLength;
  } else if (static_cast<int64_t>(sequence.ids.size()) == sequence.max_length) {
    completion.finish_reason = FinishReason::kContext;
  } else {
    return;
  }
  sequence.is_finished = true;
}

Result<std::vector<crypto::Sha256Digest>> StreamingEngine::TensorDigests(
    std::stop_token stop) {
  REVLM_CHECK(hasher_ != nullptr);
  return hasher_->Finish(stop);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(
    const formats::Checkpoint& checkpoint, const EngineOptions& options) {
  REVLM_ASSIGN_OR_RETURN(ModelSpec spec, DescribeModel(checkpoint));
  auto engine =
      std::make_unique<StreamingEngine>(checkpoint, options, std::move(spec));
  REVLM_TRY(engine->Start());
  return engine;
}

std::string_view ComputeTypeName(ComputeType type) {
  switch (type) {
    case ComputeType::kF32:
      return "f32";
    case ComputeType::kBf16:
      return "bf16";
    default:
      return "auto";
  }
}

std::string_view CaptureName(Capture capture) {
  switch (capture) {
    case Capture::kLast:
      return "last";
    case Capture::kMean:
      return "mean";
    case Capture::kAll:
      return "all";
    default:
      return "none";
  }
}

}  // namespace revlm::engine
