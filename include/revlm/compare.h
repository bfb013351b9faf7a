// Which model is this? Compares local models in pairs and gives a verdict on
// each, with an error rate that holds whenever one looks.
//
//   revlm::CompareOptions options;
//   options.models = {"./model", "./other"};
//   revlm::Result<revlm::Comparison> found = revlm::Compare(options);
//   if (found) puts(found->pairs[0].reason.c_str());
//
// Weights are compared tensor by tensor; behaviour by the divergence of what
// two models expect next, on the same prompts, with a look after each; prompts
// may be chosen by what the ones before told apart. How evidence becomes a
// verdict, what is assumed and what a verdict does not show:
// docs/method-identity.md.
//
// What was found is kept in a directory (docs/formats/comparison.md), from
// which `Explain` forms the verdicts again without the models.
//
// Threads: `Compare` may be called from many threads; events are delivered on
// the calling thread. Memory: `memory_limit_bytes` for this process, as long as
// nothing else in it takes much; refused below the floor before anything runs.
// Errors: kInvalidArgument (options, prompt files, the directory), kNotFound,
// kCorrupt, kUnsupported (a model), kBudgetExceeded, kUnavailable (I/O, disk
// full), kCancelled (`stop`). Of a comparison that ended with an error the
// weights of whole pairs and whole rounds of prompts are kept; called again
// with the same options it goes on from there. Determinism: the same findings
// bit for bit within one numerics class, whatever the memory limit, batch and
// threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "revlm/environment.h"
#include "revlm/error.h"
#include "revlm/event.h"
#include "revlm/prompts.h"
#include "revlm/run.h"

namespace revlm {

enum class Verdict { kSame, kDerived, kDifferent, kUndecided };

// "SAME", "DERIVED", "DIFFERENT", "UNDECIDED".
std::string_view VerdictName(Verdict verdict);

// ---- What was found -------------------------------------------------------

enum class Relation {
  kSame,           // all tensors that are used are equal, up to exact widening,
                   // and so are settings and tokenizers
  kDerived,        // not trained independently of each other
  kIndependent,    // comparable, and no sign of common weights
  kNotComparable,  // the shapes or vocabularies leave nothing to compare
};

// Which tensors of two models are equal, by their names in a.
struct TensorFinding {
  int64_t num_tensors = 0;  // of both together, a pair counted once
  int64_t num_equal_bytes = 0;
  int64_t num_equal_values = 0;  // once widened exactly, those included
  // Of the equal ones, those that no two trainings arrive at: weights in
  // common, whatever the statistics say.
  std::vector<std::string> common;
  std::vector<std::string> equal;
  std::vector<std::string> differing;
  std::vector<std::string> only_in_a;
  std::vector<std::string> only_in_b;
  // With values that are no numbers or infinite, of those in both models.
  std::vector<std::string> not_finite_in_a;
  std::vector<std::string> not_finite_in_b;
  // What else the function depends on and that differs: "rope", "tokenizer".
  std::vector<std::string> settings;
};

// A test whose hypothesis is that two models were trained independently.
struct WeightStatistic {
  double z = 0;           // deviations above the mean under the hypothesis
  double log_p = 0;       // ln of its p-value
  int64_t num_units = 0;  // hidden units that it rests on
};

struct LayerSimilarity {
  int32_t a = 0;  // layers that correspond
  int32_t b = 0;
  double similarity = 0;  // of their matched heads: 1 where these are equal
};

struct WeightFinding {
  Relation relation = Relation::kNotComparable;
  // The relation in plain words, or why there is none.
  std::string sentence;
  // Of kDerived: the two compute the same function, only written down
  // otherwise (permuted, rotated, rescaled).
  bool is_same_function = false;
  double z = 0;            // of the test of attention heads; 0: there is none
  double error_bound = 0;  // of a wrong kDerived; 0: the relation is exact
  // Nothing: kept by a version that did not tell.
  std::optional<TensorFinding> tensors;
  // What else was measured, and decides nothing: MATCH and CSU of the order of
  // hidden units, and how similar layers are. Nothing where weights cannot be
  // compared.
  std::optional<WeightStatistic> match;
  std::optional<WeightStatistic> csu;
  std::vector<LayerSimilarity> layers;
};

// What divergences are taken over.
enum class Scale {
  kTokens,      // the next token: the models share their tokenization
  kFirstBytes,  // the first byte of what follows: a lower bound of the above
  kNone,        // the models cannot be asked the same
};

enum class Closeness { kUndecided, kSame, kDifferent };

// In nats for each token.
struct DivergenceFinding {
  double nats = 0;   // the mean over all prompts, cut nowhere
  double lower = 0;  // the limits after the last prompt
  double upper = 0;
};

// How near two models are whose weights are unrelated, beside other unrelated
// pairs of the same comparison (verify/nearness.h).
struct NearnessFinding {
  int64_t num_pairs = 0;  // of those others
  // Their divergence, both ways together, over that of the nearest others.
  double ratio = 0;
  // ln of an e-value against "on half of the prompts or more it is not below
  // 3/4 of that of some other pair".
  double log_e = 0;
  bool is_shown = false;  // related behaviour, at the error rate
};

struct BehaviourFinding {
  Scale scale = Scale::kNone;
  std::string why_none;  // of Scale::kNone, or when all prompts failed

  // Of the first look that decided, and how many prompts that had taken: all of
  // them when none did.
  Closeness closeness = Closeness::kUndecided;
  int64_t num_used = 0;

  int64_t num_prompts = 0;       // that have a value
  int64_t num_cut = 0;           // of them, above the cut, KL(a||b)
  int64_t num_failed = 0;        // that one of the two failed to answer
  DivergenceFinding divergence;  // KL(a||b)
  DivergenceFinding mirror;      // KL(b||a)
  // ln of an e-value against "the two differ by no more than is tolerated", at
  // a time of stopping.
  double log_e = 0;
  // Prompts in all that would decide were the others like these; 0: not within
  // reason. Of kUndecided.
  int64_t num_needed = 0;
  // Of several pairs.
  std::optional<NearnessFinding> nearness;
};

// How a target's answers are judged of which nothing else is known.
enum class Reading {
  kDrawnTokens,  // the very tokens, drawn at temperature 1 from all
  kCompared,     // anything done to the target's and the reference's own
                 // answers alike
};

// A model that the target may be instead of the reference.
struct TextAlternative {
  std::string name;
  // How it is made from the reference, in plain words; empty: it is another
  // model.
  std::string derivation;
  double nats = 0;        // KL(reference || it), a token, estimated
  double nats_error = 0;  // standard error
  // Of the mixture with the reference that is as far away as is tolerated.
  double dilution = 1;
  double posterior = 0;  // when the reference had 1/2 at first
  double share = 1;      // of the requests, that it rather answers
};

// What a target's texts say of `a`, the reference.
struct TextFinding {
  Reading reading = Reading::kCompared;
  int64_t num_requests = 0;
  int64_t num_tokens = 0;  // of all answers
  int64_t max_tokens = 0;  // as many an answer could have
  // ln of an e-value against "they are the reference's", and how many requests
  // it took to refute that; 0: it is not refuted.
  double log_e = 0;
  int64_t num_refuted = 0;
  // The alternative whose answers they are instead; empty: none.
  std::string winner;
  double winner_log_odds = 0;  // against all else together
  // Of the reference and a winner that is not made from it.
  std::optional<WeightFinding> winner_weights;
  // Whose own answers the target's were compared with besides the reference's;
  // empty: no alternative came so far.
  std::string fitted;

  // Of the first look that decided, and how many requests that had taken.
  Closeness closeness = Closeness::kUndecided;
  int64_t num_used = 0;
  double lower_nats = 0;  // limits of KL(target || reference), a token
  std::optional<double> upper_nats;
  // Requests beside these that may show kSame, if it is the reference; 0: none
  // can.
  int64_t num_needed = 0;
  std::vector<TextAlternative> alternatives;
};

struct PairComparison {
  std::string a;  // aliases
  std::string b;
  Verdict verdict = Verdict::kUndecided;
  std::string reason;   // a sentence
  std::string missing;  // what would decide it; empty: it is decided
  // The probability that the verdict is wrong, at most; 0: it is exact, or
  // UNDECIDED, which claims nothing.
  double error_bound = 0;
  int64_t num_used = 0;  // prompts or requests that the verdict took
  std::optional<WeightFinding> weights;
  std::optional<BehaviourFinding> behaviour;
  std::optional<TextFinding> texts;  // of b, when nothing else is known of it
};

struct ComparedModel {
  std::string alias;
  std::string reference;
  std::string commit;       // of the Hugging Face cache
  std::string tensor_root;  // 64 hex
  std::string identity;     // 64 hex: of everything but the weights' content
  std::optional<std::string> chat_template_sha256;  // nothing: not used
};

// Prompts that were chosen and asked together.
struct PromptRound {
  int64_t num_prompts = 0;
  int64_t num_undecided = 0;  // pairs, after it
};

// What was seen of one model while it was asked in rounds. It helps to choose
// prompts and is no evidence.
struct BehaviourProfile {
  std::string model;        // its alias
  int64_t num_prompts = 0;  // that it was observed on
  // Means over these prompts, of means over their positions.
  double mean_entropy_nats = 0;  // of the next token
  double mean_top_probability = 0;
};

// How prompts were chosen: by what the ones before told apart, or, of a target
// that is judged by its texts, all at once, without rounds.
struct AdaptivePrompts {
  std::vector<PromptSystemReport> systems;
  std::string strategy;  // as PromptStrategyName
  std::string focus;     // as ChallengeFocusName
  std::vector<PromptRound> rounds;
  // Prompts that were longer than memory was planned for: they have no value.
  int64_t num_left_out = 0;
  std::vector<BehaviourProfile> profiles;  // by model, of those observed
};

struct Comparison {
  std::vector<ComparedModel> models;
  // The first with the second, third, ..., the second with the third, ...
  std::vector<PairComparison> pairs;
  Verdict worst =
      Verdict::kUndecided;  // of DIFFERENT, UNDECIDED, DERIVED, SAME

  int64_t num_prompts = 0;  // or requests, of texts
  // "pot/1", "pot/1+kdf/1" of several systems, or the digest of prompts of
  // one's own.
  std::string prompt_source;
  std::string prompt_form = "text";  // or "chat"
  // Nothing: no orchestration was asked for, and all were asked at once.
  std::optional<AdaptivePrompts> adaptive;
  uint64_t seed = 0;
  double same_nats = 0;  // rules
  double most_nats = 0;
  double alpha = 0;
  std::string compute;   // "f32"
  std::string numerics;  // the class of the divergences

  // Of this call.
  std::string run_dir;
  double seconds = 0;
};

// ---- Finding it -----------------------------------------------------------

inline constexpr int32_t kDefaultCompareChallenges = 50;

struct CompareOptions {
  // References, `[alias=]TARGET` as RunOptions::models: two or more.
  std::vector<std::string> models;

  // The prompts: those of the file, then these. Without any, `num_challenges`
  // made from `seed`. 0 challenges: only weights are compared.
  std::string prompt_file;
  std::vector<std::string> prompts;
  std::optional<int32_t> num_challenges;
  // When given, these systems make the prompts, in rounds: the next ones are
  // chosen by what those before told apart, `num_challenges` in all at most,
  // until the behaviour of every pair is decided. Every round reads the
  // weights. Without it, prompts are those of pot/1, and all are asked at once.
  std::optional<PromptOrchestration> orchestration;
  uint64_t seed = 0;  // of these, and of which rows of weights are compared
  // When not given: kAuto for prompts that are made by `orchestration`, kText
  // for others. In a comparison kAuto is chat where all models write every
  // prompt as the same bytes and cut them into the same tokens, and kChat
  // refuses models that write them differently.
  std::optional<PromptForm> prompt_form;
  bool special_tokens = true;

  // The hidden units of all layers are matched, not of some: minutes for models
  // of billions of weights.
  bool full_matching = false;

  double same_nats = 1e-3;  // a token: a divergence that still counts as none
  double alpha = 0.01;      // of a wrong verdict, for each pair

  Dtype dtype = Dtype::kF32;  // f32 holds every weight exactly
  int32_t num_threads = 0;    // 0: one for each CPU this process may use
  std::optional<int32_t> batch_size;
  // Prompts that are asked together, and kept once they were asked; not given:
  // so many that reading weights again for the next ones takes little of the
  // time. With an orchestration it decides.
  std::optional<int32_t> round_size;
  std::optional<uint64_t> memory_limit_bytes;
  bool memory_strict = false;
  bool owns_process = false;  // as RunOptions

  // The directory of this comparison: new, empty, or one in which it was
  // stopped. Empty: such a one in `runs_dir`.
  std::string output_dir;
  std::string runs_dir = "rev-runs";

  std::vector<std::string> command_line;  // noted in the directory
  Environment environment;
  std::stop_token stop;
  std::function<void(const RunEvent&)> on_event;  // may be empty
};

Result<Comparison> Compare(const CompareOptions& options);

struct ExplainOptions {
  // A comparison's directory; "latest": the one that `runs_dir`/latest leads
  // to.
  std::string run = "latest";
  std::string runs_dir = "rev-runs";
};

// What a directory holds, its verdicts formed again from the evidence in it.
// Errors: kNotFound (no such directory), kInvalidArgument (not a comparison's),
// kCorrupt (evidence damaged, or verdicts that do not follow from it).
Result<Comparison> Explain(const ExplainOptions& options);

}  // namespace revlm
