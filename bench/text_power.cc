// revlm_text_power: how often the tests of verify/text.h are wrong, in
// simulated audits of toy models with a look after every request.
//
// revlm_text_power ZOO [REPEATS [TARGET]]: with the folder of a zoo (its
// README.md), real models: tokens until a rounded model is found, over REPEATS
// (200) orders of its answers, beside ln(1/alpha) / KL, and the share of
// repeats in which the Model Equality Test (model_equality.h) finds it: in as
// many tokens as half of the repeats needed, and in 10 answers to each prompt.
// Then models against themselves, answers to other seeds. Only targets named
// TARGET, where one is given. All of them take most of an hour.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "challenge/builtin_set.h"
#include "model_equality.h"
#include "stats/binomial.h"
#include "support/text_games.h"
#include "verify/text.h"
#include "verify/token_ratios.h"

namespace revlm::bench {
namespace {

using formats::Checkpoint;
using verify::Reading;
using verify::TextComparison;
using verify::TextEvidence;
using verify::TextSample;
using verify::TextScores;
using verify::TokenIds;

constexpr double kAlpha = 0.01;
constexpr uint64_t kSeed = 20260110;
constexpr uint64_t kLimitBytes = uint64_t{4} << 30;
constexpr int kNumPermutations = 199;

void PrintRate(const std::string& name, uint64_t num_errors,
               uint64_t num_audits) {
  fmt::print("{:<58} {:>6} {:>7} {:>8.5f}\n", name, num_errors, num_audits,
             stats::UpperRateLimit(num_errors, num_audits, 0.05).value());
}

void PrintRateHead(const std::string& title) {
  fmt::print("{:<58} {:>6} {:>7} {:>8}\n", title, "errors", "audits", "below");
}

// ---- Simulated ------------------------------------------------------------

void SimulateErrors() {
  constexpr uint64_t kAudits = 10'000;
  constexpr size_t kRequests = 200;
  const testing::ToyModel reference(kSeed);
  testing::TextTable table = {.reference = reference, .served = reference};
  for (const double noise : {0.05, 0.1, 0.2, 0.4, 0.8}) {
    table.alternatives.push_back(reference.WithNoise(kSeed + 1, noise));
    table.dilutions.push_back(
        testing::ToyDilution(reference, table.alternatives.back(), 1e-3));
  }
  // Nine tokens of ten are in one answer of a hundred.
  testing::TextTable uneven = table;
  uneven.served = table.alternatives.back();
  uneven.tail_share = 0.01;
  uneven.tail_tokens = 8192;
  PrintRateHead("simulated, the reference itself, alpha 0.01");
  for (const Reading reading : {Reading::kDrawnTokens, Reading::kCompared}) {
    table.reading = reading;
    uneven.reading = reading;
    uint64_t num_combined = 0;
    uint64_t num_catalogue = 0;
    uint64_t num_typicality = 0;
    uint64_t num_different = 0;
    uint64_t num_uneven = 0;
    for (uint64_t audit = 0; audit < kAudits; ++audit) {
      const TextEvidence evidence =
          testing::AuditTexts(table, base::RandomBits(kSeed, audit), kRequests);
      num_combined += evidence.combined.rejects();
      num_catalogue += evidence.catalogue.rejects();
      num_typicality += evidence.typicality.rejects();
      num_different += evidence.closeness == stats::Closeness::kDifferent;
      num_uneven +=
          testing::AuditTexts(uneven, base::RandomBits(kSeed, audit), kRequests,
                              {.same_nats = uneven.ServedNats()})
              .closeness == stats::Closeness::kDifferent;
    }
    const std::string how =
        reading == Reading::kCompared ? ", compared" : ", drawn tokens";
    PrintRate("catalogue" + how, num_catalogue, kAudits);
    PrintRate("typicality" + how, num_typicality, kAudits);
    PrintRate("average of the two" + how, num_combined, kAudits);
    PrintRate("DIFFERENT" + how, num_different, kAudits);
    PrintRate("DIFFERENT at the tolerance, uneven lengths" + how, num_uneven,
              kAudits);
  }
  table.reading = Reading::kDrawnTokens;
  table.served = reference.MixedWith(table.alternatives[3], table.dilutions[3]);
  constexpr uint64_t kFewerAudits = 1000;  // ten times as long
  uint64_t num_same = 0;
  for (uint64_t audit = 0; audit < kFewerAudits; ++audit) {
    num_same += testing::AuditTexts(table, base::RandomBits(kSeed, audit),
                                    10 * kRequests)
                    .closeness == stats::Closeness::kSame;
  }
  PrintRate("SAME of what is at the tolerance, on a line to an entry", num_same,
            kFewerAudits);
  std::fflush(stdout);
}

// ---- The zoo --------------------------------------------------------------

struct Model {
  Checkpoint checkpoint;
  tokenizer::Tokenizer tokenizer;
};

Result<Model> OpenModel(const std::string& zoo, const std::string& name) {
  REVLM_ASSIGN_OR_RETURN(Checkpoint checkpoint,
                         Checkpoint::Open(zoo + "/models/" + name));
  REVLM_ASSIGN_OR_RETURN(const std::string json,
                         checkpoint.ReadTokenizerJson());
  REVLM_ASSIGN_OR_RETURN(
      tokenizer::Tokenizer tokenizer,
      tokenizer::Tokenizer::FromJson(json, formats::kTokenizerName));
  return Model{std::move(checkpoint), std::move(tokenizer)};
}

struct Case {
  const char* reference;
  const char* target;
  Reading reading;
  size_t num_each;  // answers to each prompt
  size_t num_own;
  engine::ComputeType served_in = engine::ComputeType::kF32;
};

// A target's answers, as they are judged.
struct Pool {
  std::vector<TokenIds> prompts;       // of each request
  std::vector<std::string> texts;      // the target's
  std::vector<std::string> own_texts;  // the reference's, for the other test
  TextComparison comparison;
};

constexpr size_t kNumPrompts = 64;

class ZooBench {
 public:
  // An empty `only`: all targets.
  ZooBench(std::string zoo, uint64_t num_repeats, std::string only)
      : zoo_(std::move(zoo)),
        num_repeats_(num_repeats),
        only_(std::move(only)),
        folder_(std::filesystem::temp_directory_path() /
                fmt::format("revlm-text-power-{}", getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~ZooBench() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  ZooBench(const ZooBench&) = delete;
  ZooBench& operator=(const ZooBench&) = delete;

  Status MeasurePower(const std::vector<Case>& cases) {
    fmt::print(
        "\n{:<26} {:>9} {:>8} {:>8} {:>8} {:>8} {:>6} {:>6} {:>7} {:>7}\n",
        "tokens to the decision", "nats", "+-", "bound", "median", "90 %",
        "ratio", "named", "MET", "MET 10");
    for (const Case& row : cases) {
      if (!only_.empty() && only_ != row.target) continue;
      REVLM_ASSIGN_OR_RETURN(const Pool pool, Fill(row));
      PrintPower(row, pool);
    }
    return {};
  }

  // What all answers of a target come to, that is no rounded model.
  Status Judge(const std::vector<Case>& cases) {
    fmt::print("\n{:<26} {:>9} {:>8} {:>8}  {}\n", "others, in one order",
               "nats", "bound", "tokens", "winner");
    for (const Case& row : cases) {
      if (!only_.empty() && only_ != row.target) continue;
      REVLM_ASSIGN_OR_RETURN(const Pool pool, Fill(row));
      const TextEvidence& evidence = pool.comparison.evidence;
      const double nats = pool.comparison.target_nats.value_or(NAN);
      fmt::print(
          "{:<26} {:>9.1e} {:>8.0f} {:>8}  {}\n", row.target, nats,
          -std::log(kAlpha) / nats, evidence.combined.num_tokens,
          evidence.winner_idx
              ? pool.comparison.scores.alternatives[*evidence.winner_idx].name
              : "none");
      PrintCloseness(evidence);
    }
    return {};
  }

  Status MeasureErrors(const std::vector<Case>& cases) {
    fmt::print("\n");
    PrintRateHead("models against themselves, audits of 8 requests");
    for (const Case& row : cases) {
      if (!only_.empty() && only_ != row.target) continue;
      REVLM_ASSIGN_OR_RETURN(const Pool pool, Fill(row));
      PrintErrors(row, pool);
    }
    return {};
  }

 private:
  Result<Pool> Fill(const Case& row) {
    REVLM_ASSIGN_OR_RETURN(const Model reference,
                           OpenModel(zoo_, row.reference));
    REVLM_ASSIGN_OR_RETURN(const Model target, OpenModel(zoo_, row.target));
    memory::Budget budget(kLimitBytes);
    verify::TextOptions options = {.num_own_answers = row.num_own,
                                   .seed = kSeed,
                                   .work_directory = folder_};
    const verify::ModelUse use = {.budget = budget, .engine = options.engine};
    verify::ModelUse served = use;
    served.engine.compute = row.served_in;
    Pool pool;
    for (size_t i = 0; i < kNumPrompts * row.num_each; ++i) {
      REVLM_ASSIGN_OR_RETURN(
          pool.prompts.emplace_back(),
          reference.tokenizer.Encode(
              challenge::BuiltinPrompts()[i % kNumPrompts].text,
              tokenizer::SpecialTokens::kAdd));
    }
    REVLM_ASSIGN_OR_RETURN(
        const std::vector<TokenIds> answers,
        verify::DrawAnswers(target.checkpoint, pool.prompts, 1,
                            options.decoding, kSeed + 1, served));
    REVLM_ASSIGN_OR_RETURN(
        const std::vector<TokenIds> own,
        verify::DrawAnswers(reference.checkpoint, pool.prompts, 1,
                            options.decoding, kSeed + 2, use));
    std::vector<TextSample> samples;
    for (size_t i = 0; i < answers.size(); ++i) {
      REVLM_ASSIGN_OR_RETURN(
          pool.texts.emplace_back(),
          verify::AnswerText(reference.checkpoint, reference.tokenizer,
                             answers[i]));
      REVLM_ASSIGN_OR_RETURN(pool.own_texts.emplace_back(),
                             verify::AnswerText(reference.checkpoint,
                                                reference.tokenizer, own[i]));
      TextSample& sample = samples.emplace_back(pool.prompts[i], answers[i]);
      if (row.reading == Reading::kCompared) sample.answer = pool.texts[i];
    }
    REVLM_ASSIGN_OR_RETURN(
        pool.comparison,
        verify::CompareText({.reference = {&reference.checkpoint,
                                           &reference.tokenizer, row.reference},
                             .samples = samples,
                             .target = &target.checkpoint},
                            options, budget));
    if (row.served_in != options.engine.compute) {
      REVLM_ASSIGN_OR_RETURN(
          pool.comparison.target_nats,
          NatsOfArithmetic(reference.checkpoint, pool.prompts, answers, use,
                           served));
    }
    return pool;
  }

  // KL per token of a model as it was served from the model as it is used.
  static Result<double> NatsOfArithmetic(const Checkpoint& model,
                                         const std::vector<TokenIds>& prompts,
                                         const std::vector<TokenIds>& answers,
                                         const verify::ModelUse& use,
                                         const verify::ModelUse& served) {
    std::vector<verify::Exchange> exchanges;
    exchanges.reserve(prompts.size());
    for (size_t i = 0; i < prompts.size(); ++i) {
      exchanges.push_back({&prompts[i], &answers[i]});
    }
    REVLM_ASSIGN_OR_RETURN(const auto log_ps,
                           verify::ScoreAnswers(model, exchanges, served));
    REVLM_ASSIGN_OR_RETURN(const auto log_qs,
                           verify::ScoreAnswers(model, exchanges, use));
    return verify::EstimateNats(log_ps, log_qs).nats;
  }

  // The requests numbered `order`, alone.
  static TextScores Chosen(const TextScores& all,
                           const std::vector<size_t>& order) {
    TextScores scores = {.reading = all.reading,
                         .max_tokens = all.max_tokens,
                         .alternatives = all.alternatives};
    if (all.fit) scores.fit = {.alternative_idx = all.fit->alternative_idx};
    for (const size_t i : order) {
      scores.requests.push_back(all.requests[i]);
      if (all.fit) scores.fit->requests.push_back(all.fit->requests[i]);
    }
    return scores;
  }

  static std::vector<size_t> Shuffled(size_t size, uint64_t seed) {
    std::vector<size_t> order(size);
    for (size_t i = 0; i < size; ++i) order[i] = i;
    for (size_t i = size; i > 1; --i) {
      const double uniform = base::UniformDouble(seed, i);
      std::swap(order[i - 1],
                order[static_cast<size_t>(uniform * static_cast<double>(i))]);
    }
    return order;
  }

  // Of `num_texts` texts of each side, those that the test finds.
  double EqualityPower(const Pool& pool, size_t num_texts) const {
    const size_t num_each = pool.texts.size() / kNumPrompts;
    const size_t num_prompts =
        std::clamp<size_t>(num_texts / 2, 1, kNumPrompts);
    const size_t num_used =
        std::clamp<size_t>(num_texts / num_prompts, 2, num_each);
    size_t length = 1;
    for (const auto* texts : {&pool.texts, &pool.own_texts}) {
      for (const std::string& text : *texts) {
        length = std::max(length, std::min<size_t>(text.size(), 1000));
      }
    }
    uint64_t num_found = 0;
    for (uint64_t repeat = 0; repeat < num_repeats_; ++repeat) {
      const uint64_t seed = base::RandomBits(kSeed + 4, repeat);
      const std::vector<size_t> which = Shuffled(kNumPrompts, seed);
      std::vector<PromptTexts> prompts(num_prompts);
      for (size_t p = 0; p < num_prompts; ++p) {
        const std::vector<size_t> of_target =
            Shuffled(num_each, base::RandomBits(seed, 2 * p));
        const std::vector<size_t> of_reference =
            Shuffled(num_each, base::RandomBits(seed, 2 * p + 1));
        for (size_t k = 0; k < num_used; ++k) {
          prompts[p].target.push_back(
              pool.texts[of_target[k] * kNumPrompts + which[p]]);
          prompts[p].reference.push_back(
              pool.own_texts[of_reference[k] * kNumPrompts + which[p]]);
        }
      }
      num_found +=
          ModelEqualityP(prompts, length, kNumPermutations, seed) <= kAlpha;
    }
    return static_cast<double>(num_found) / static_cast<double>(num_repeats_);
  }

  void PrintPower(const Case& row, const Pool& pool) {
    const TextScores& all = pool.comparison.scores;
    std::vector<int64_t> tokens;
    uint64_t num_named = 0;
    int64_t num_tokens = 0;
    for (uint64_t repeat = 0; repeat < num_repeats_; ++repeat) {
      const TextScores scores = Chosen(
          all,
          Shuffled(all.requests.size(), base::RandomBits(kSeed + 3, repeat)));
      const TextEvidence evidence =
          verify::WeighTexts(scores, {.alpha = kAlpha}).value();
      num_tokens = evidence.num_tokens;
      tokens.push_back(evidence.combined.rejects()
                           ? evidence.combined.num_tokens
                           : INT64_MAX);
      num_named += evidence.winner_idx.has_value();
    }
    std::sort(tokens.begin(), tokens.end());
    const int64_t median = tokens[tokens.size() / 2];
    const int64_t most = tokens[tokens.size() * 9 / 10];
    // Known from the tokens of the same answers.
    if (pool.comparison.target_nats) {
      nats_[row.target] = {*pool.comparison.target_nats,
                           pool.comparison.target_nats_error};
    }
    const auto [nats, nats_error] = nats_[row.target];
    const double bound = -std::log(kAlpha) / nats;
    const auto text = [&](int64_t count) {
      return count == INT64_MAX ? fmt::format(">{}", num_tokens)
                                : fmt::format("{}", count);
    };
    const int64_t tokens_each =
        num_tokens / static_cast<int64_t>(pool.texts.size());
    const auto num_texts =
        static_cast<size_t>(std::min(median, num_tokens) / tokens_each);
    fmt::print(
        "{:<26} {:>9.2e} {:>8.0e} {:>8.0f} {:>8} {:>8} {:>6.2f} {:>6.2f} "
        "{:>7.2f} {:>7.2f}\n",
        row.target +
            std::string(row.reading == Reading::kCompared ? ", text" : ""),
        nats, nats_error, bound, text(median), text(most),
        static_cast<double>(median) / bound,
        static_cast<double>(num_named) / static_cast<double>(num_repeats_),
        EqualityPower(pool, num_texts), EqualityPower(pool, 10 * kNumPrompts));
    const TextEvidence& evidence = pool.comparison.evidence;
    const auto& best = all.alternatives[evidence.best_idx];
    fmt::print("{:<26}   best {}, odds 10^{:.0f}; nats", "", best.name,
               evidence.best_log_odds / std::log(10));
    for (const auto& alternative : all.alternatives) {
      fmt::print(" {} {:.1e}", alternative.name, alternative.nats);
    }
    fmt::print("\n");
    PrintCloseness(evidence);
  }

  // Of the whole pool.
  static void PrintCloseness(const TextEvidence& evidence) {
    static constexpr const char* kNames[] = {"UNDECIDED", "SAME", "DIFFERENT"};
    fmt::print("{:<26}   all {} requests: {}", "", evidence.num_requests,
               kNames[static_cast<size_t>(evidence.closeness)]);
    if (evidence.num_decided > 0) {
      fmt::print(" after {}", evidence.num_decided);
    }
    fmt::print("; {:.1e} nats or more", evidence.lower_nats);
    if (evidence.upper_nats)
      fmt::print(", {:.1e} at most", *evidence.upper_nats);
    fmt::print("\n");
    std::fflush(stdout);
  }

  void PrintErrors(const Case& row, const Pool& pool) const {
    constexpr size_t kRequests = 8;
    const TextScores& all = pool.comparison.scores;
    uint64_t num_audits = 0;
    uint64_t num_errors = 0;
    for (size_t first = 0; first + kRequests <= all.requests.size();
         first += kRequests) {
      std::vector<size_t> order;
      for (size_t i = first; i < first + kRequests; ++i) order.push_back(i);
      num_errors += verify::WeighTexts(Chosen(all, order), {.alpha = kAlpha})
                        ->combined.rejects();
      ++num_audits;
    }
    std::string name = row.target;
    if (row.reading == Reading::kCompared) name += ", text";
    if (pool.comparison.target_nats.value_or(0) > 0) {
      name += fmt::format(", served in {}: {:.1e} nats",
                          engine::ComputeTypeName(row.served_in),
                          *pool.comparison.target_nats);
    }
    PrintRate(name, num_errors, num_audits);
    PrintCloseness(pool.comparison.evidence);
  }

  const std::string zoo_;
  const uint64_t num_repeats_;
  const std::string only_;
  const std::string folder_;
  std::map<std::string, std::pair<double, double>> nats_;  // with errors
};

Status RunZoo(const std::string& zoo, uint64_t num_repeats,
              const std::string& only) {
  using enum Reading;
  ZooBench bench(zoo, num_repeats, only);
  REVLM_TRY(bench.MeasurePower({
      {"aster-s0", "aster-s0-int4", kDrawnTokens, 16, 1},
      {"briar-s0", "briar-s0-int4", kDrawnTokens, 16, 1},
      {"aster-s0", "aster-s0-int4", kCompared, 10, 8},
      {"briar-s0", "briar-s0-int4", kCompared, 10, 8},
      {"aster-s0", "aster-s0-int8", kDrawnTokens, 640, 1},
  }));
  std::vector<Case> others;
  for (const char* target :
       {"aster-s1", "asterl-s0", "aster-s0-distill", "aster-s0-ft-quotes",
        "aster-s0-ft1", "aster-s0-lora", "aster-s0-noise6", "aster-s0-prune30",
        "aster-s0-step75", "aster-s0-fp16"}) {
    others.push_back({"aster-s0", target, kDrawnTokens, 8, 1});
  }
  REVLM_TRY(bench.Judge(others));
  return bench.MeasureErrors({
      {"aster-s0", "aster-s0", kDrawnTokens, 32, 1},
      {"briar-s0", "briar-s0", kDrawnTokens, 32, 1},
      {"aster-s0", "aster-s0", kCompared, 8, 8},
      {"aster-s0", "aster-s0", kDrawnTokens, 16, 1, engine::ComputeType::kBf16},
  });
}

}  // namespace
}  // namespace revlm::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    revlm::bench::SimulateErrors();
    return 0;
  }
  const uint64_t num_repeats =
      argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 200;
  if (argc > 4 || num_repeats == 0) {
    fmt::print(stderr, "usage: revlm_text_power [ZOO [REPEATS [TARGET]]]\n");
    return 2;
  }
  const revlm::Status status =
      revlm::bench::RunZoo(argv[1], num_repeats, argc > 3 ? argv[3] : "");
  if (!status) {
    fmt::print(stderr, "{}\n", status.error().message);
    return 1;
  }
  return 0;
}
