#include "verify/answers.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/hex.h"
#include "base/random.h"
#include "crypto/sha256.h"

namespace revlm::verify {
namespace {

using engine::Completion;
using engine::Engine;
using engine::Request;

// What a vector of `size` small things takes of the heap, with its bookkeeping.
constexpr uint64_t VectorBytes(size_t size, size_t element_bytes) {
  return sizeof(std::vector<int32_t>) + 32 + size * element_bytes;
}

// Runs `requests` and gives each completion to `take`.
Status Run(const formats::Checkpoint& model,
           const std::vector<Request>& requests, const ModelUse& use,
           const std::function<void(size_t, const Completion&)>& take) {
  if (requests.empty()) return {};
  REVLM_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine,
                         Engine::Open(model, use.budget, use.engine));
  std::optional<Error> refused;
  REVLM_TRY(engine->Run(requests, {.on_complete =
                                       [&](size_t i, Completion completion) {
                                         if (!completion.error) {
                                           take(i, completion);
                                         } else if (!refused) {
                                           refused =
                                               base::WithContext(
                                                   *std::move(completion.error),
                                                   fmt::format("{}: text {}",
                                                               model.path(), i))
                                                   .error();
                                         }
                                       },
                                   .on_progress = use.on_progress,
                                   .stop = use.stop}));
  if (refused) return std::unexpected<Error>(*std::move(refused));
  return {};
}

// How `requests` would go, for which `held_bytes` are held beside.
Result<AnswerPlan> PlanRun(const formats::Checkpoint& model,
                           const std::vector<Request>& requests,
                           uint64_t held_bytes, const ModelUse& use) {
  REVLM_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine,
                         Engine::Open(model, use.budget, use.engine));
  AnswerPlan plan = {.floor_bytes = engine->FloorBytes(requests) + held_bytes,
                     .need = engine->memory_need(),
                     .run = std::nullopt};
  if (use.budget.left_bytes() < plan.floor_bytes) return plan;
  REVLM_ASSIGN_OR_RETURN(const memory::Reservation held,
                         use.budget.Reserve(held_bytes, memory::Use::kResults));
  REVLM_ASSIGN_OR_RETURN(plan.run, engine->Plan(requests));
  return plan;
}

// What requests and their answers take while they are drawn.
uint64_t DrawBytes(std::span<const TokenIds> prompts, size_t num_each,
                   const Decoding& decoding) {
  uint64_t bytes = 0;
  for (const TokenIds& prompt : prompts) {
    bytes += num_each *
             (sizeof(Request) + VectorBytes(prompt.size(), sizeof(int32_t)) +
              VectorBytes(static_cast<size_t>(decoding.max_new_tokens),
                          sizeof(int32_t)));
  }
  return bytes;
}

std::vector<Request> DrawRequests(std::span<const TokenIds> prompts,
                                  size_t num_each, const Decoding& decoding,
                                  uint64_t seed) {
  std::vector<Request> requests;
  requests.reserve(prompts.size() * num_each);
  for (size_t i = 0; i < prompts.size(); ++i) {
    const uint64_t prompt_seed = base::RandomBits(seed, i);
    for (size_t k = 0; k < num_each; ++k) {
      requests.push_back(
          {.prompt = prompts[i],
           .max_new_tokens = decoding.max_new_tokens,
           .sampling = {.temperature = decoding.temperature,
                        .top_k = decoding.top_k,
                        .top_p = decoding.top_p,
                        .seed = base::RandomBits(prompt_seed, k)}});
    }
  }
  return requests;
}

uint64_t ScoreBytes(std::span<const Exchange> exchanges) {
  uint64_t bytes = 0;
  for (const Exchange& exchange : exchanges) {
    const size_t num_answered = exchange.answer->size();
    bytes +=
        sizeof(Request) +
        VectorBytes(exchange.prompt->size() + num_answered, sizeof(int32_t)) +
        VectorBytes(num_answered, sizeof(float));
  }
  return bytes;
}

std::vector<Request> ScoreRequests(std::span<const Exchange> exchanges) {
  std::vector<Request> requests;
  requests.reserve(exchanges.size());
  for (const Exchange& exchange : exchanges) {
    Request request = {.max_new_tokens = 0, .want_prompt_logprobs = true};
    request.prompt.reserve(exchange.prompt->size() + exchange.answer->size());
    request.prompt = *exchange.prompt;
    request.prompt.insert(request.prompt.end(), exchange.answer->begin(),
                          exchange.answer->end());
    requests.push_back(std::move(request));
  }
  return requests;
}

template <typename T>
void Hash(const T& value, crypto::Sha256Hasher& hasher) {
  hasher.Update(std::as_bytes(std::span(&value, 1)));
}

// Of all that decides what a model says to `requests`.
crypto::Sha256Digest KeyOf(const std::vector<Request>& requests) {
  crypto::Sha256Hasher hasher;
  Hash(requests.size(), hasher);
  for (const Request& request : requests) {
    Hash(request.prompt.size(), hasher);
    hasher.Update(std::as_bytes(std::span(request.prompt)));
    Hash(request.max_new_tokens, hasher);
    Hash(request.sampling.temperature, hasher);
    Hash(request.sampling.top_k, hasher);
    Hash(request.sampling.top_p, hasher);
    Hash(request.sampling.seed, hasher);
  }
  return hasher.Finish();
}

KeptAt KeptFor(const std::vector<Request>& requests, KeptAt at) {
  at.key += " " + base::ToHex(KeyOf(requests));
  return at;
}

// The rows that are kept for `requests`, or those of `run`.
template <typename T, typename F>
Result<Rows<T>> KeptOr(const F& run, const std::vector<Request>& requests,
                       const FitsRow& fits, const ModelUse& use) {
  if (!use.kept) return run();
  const KeptAt at = KeptFor(requests, *use.kept);
  if (auto kept = ReadKept<T>(at, requests.size(), fits)) {
    return *std::move(kept);
  }
  REVLM_ASSIGN_OR_RETURN(Rows<T> rows, run());
  REVLM_TRY(Keep(at, rows));
  return rows;
}

// A probability for each token of an answer.
FitsRow FitsAnswers(std::span<const Exchange> exchanges) {
  return [exchanges](size_t i, size_t length) {
    return length == exchanges[i].answer->size();
  };
}

}  // namespace

Result<std::vector<TokenIds>> DrawAnswers(const formats::Checkpoint& model,
                                          std::span<const TokenIds> prompts,
                                          size_t num_each,
                                          const Decoding& decoding,
                                          uint64_t seed, const ModelUse& use) {
  REVLM_ASSIGN_OR_RETURN(
      const memory::Reservation held,
      use.budget.Reserve(DrawBytes(prompts, num_each, decoding),
                         memory::Use::kResults));
  const std::vector<Request> requests =
      DrawRequests(prompts, num_each, decoding, seed);
  const auto draw = [&]() -> Result<std::vector<TokenIds>> {
    std::vector<TokenIds> answers(requests.size());
    REVLM_TRY(
        Run(model, requests, use, [&](size_t i, const Completion& completion) {
          answers[i].reserve(completion.tokens.size());
          for (const engine::TokenScore& token : completion.tokens) {
            answers[i].push_back(token.id);
          }
        }));
    return answers;
  };
  const auto fits = [&](size_t, size_t length) {
    return length <= static_cast<size_t>(decoding.max_new_tokens);
  };
  return KeptOr<int32_t>(draw, requests, fits, use);
}

Result<AnswerPlan> PlanDraw(const formats::Checkpoint& model,
                            std::span<const TokenIds> prompts, size_t num_each,
                            const Decoding& decoding, const ModelUse& use) {
  return PlanRun(model, DrawRequests(prompts, num_each, decoding, 0),
                 DrawBytes(prompts, num_each, decoding), use);
}

Result<std::string> AnswerText(const formats::Checkpoint& model,
                               const tokenizer::Tokenizer& tokenizer,
                               TokenIds answer) {
  for (const auto* stops : {&model.config().eos_token_ids,
                            &model.generation_config().eos_token_ids}) {
    if (answer.empty() || std::ranges::count(*stops, answer.back()) == 0) {
      continue;
    }
    answer.pop_back();
    break;
  }
  return tokenizer.Decode(answer);
}

Result<std::vector<std::vector<float>>> ScoreAnswers(
    const formats::Checkpoint& model, std::span<const Exchange> exchanges,
    const ModelUse& use) {
  REVLM_ASSIGN_OR_RETURN(
      const memory::Reservation held,
      use.budget.Reserve(ScoreBytes(exchanges), memory::Use::kResults));
  const std::vector<Request> requests = ScoreRequests(exchanges);
  const auto score = [&]() -> Result<Rows<float>> {
    Rows<float> log_ps(exchanges.size());
    REVLM_TRY(
        Run(model, requests, use, [&](size_t i, const Completion& completion) {
          const size_t num_answered = exchanges[i].answer->size();
          const size_t first = completion.prompt_scores.size() - num_answered;
          log_ps[i].reserve(num_answered);
          for (size_t t = 0; t < num_answered; ++t) {
            log_ps[i].push_back(completion.prompt_scores[first + t].logprob);
          }
        }));
    return log_ps;
  };
  return KeptOr<float>(score, requests, FitsAnswers(exchanges), use);
}

Result<std::optional<std::vector<std::vector<float>>>> KeptScores(
    std::span<const Exchange> exchanges, const ModelUse& use) {
  if (!use.kept) return std::nullopt;
  REVLM_ASSIGN_OR_RETURN(
      const memory::Reservation held,
      use.budget.Reserve(ScoreBytes(exchanges), memory::Use::kResults));
  return ReadKept<float>(KeptFor(ScoreRequests(exchanges), *use.kept),
                         exchanges.size(), FitsAnswers(exchanges));
}

Result<AnswerPlan> PlanScore(const formats::Checkpoint& model,
                             std::span<const Exchange> exchanges,
                             const ModelUse& use) {
  return PlanRun(model, ScoreRequests(exchanges), ScoreBytes(exchanges), use);
}

}  // namespace revlm::verify
