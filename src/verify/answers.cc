#include "verify/answers.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/random.h"

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

}  // namespace

Result<std::vector<TokenIds>> DrawAnswers(const formats::Checkpoint& model,
                                          std::span<const TokenIds> prompts,
                                          size_t num_each,
                                          const Decoding& decoding,
                                          uint64_t seed, const ModelUse& use) {
  uint64_t held_bytes = 0;
  for (const TokenIds& prompt : prompts) {
    held_bytes +=
        num_each *
        (sizeof(Request) + VectorBytes(prompt.size(), sizeof(int32_t)) +
         VectorBytes(static_cast<size_t>(decoding.max_new_tokens),
                     sizeof(int32_t)));
  }
  REVLM_ASSIGN_OR_RETURN(const memory::Reservation held,
                         use.budget.Reserve(held_bytes, memory::Use::kResults));
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
  std::vector<TokenIds> answers(requests.size());
  REVLM_TRY(
      Run(model, requests, use, [&](size_t i, const Completion& completion) {
        answers[i].reserve(completion.tokens.size());
        for (const engine::TokenScore& token : completion.tokens) {
          answers[i].push_back(token.id);
        }
      }));
  return answers;
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
  uint64_t held_bytes = 0;
  for (const Exchange& exchange : exchanges) {
    const size_t num_answered = exchange.answer->size();
    held_bytes +=
        sizeof(Request) +
        VectorBytes(exchange.prompt->size() + num_answered, sizeof(int32_t)) +
        VectorBytes(num_answered, sizeof(float));
  }
  REVLM_ASSIGN_OR_RETURN(const memory::Reservation held,
                         use.budget.Reserve(held_bytes, memory::Use::kResults));
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
  std::vector<std::vector<float>> log_ps(exchanges.size());
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
}

}  // namespace revlm::verify
