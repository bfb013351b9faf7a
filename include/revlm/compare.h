// Which model is this? Compares local models in pairs and gives a verdict on
// each, with an error rate that holds whenever one looks.
//
//   revlm::CompareOptions options;
//   options.models = {"./model", "./other"};
//   revlm::Result<revlm::Comparison> found = revlm::Compare(options);
//   if (found) puts(found->pairs[0].reason.c_str());
//
// Weights are compared tensor by tensor; behaviour by the divergence of what
// two models expect next, on the same prompts, with a look after each. How
// evidence becomes a verdict, what is assumed and what a verdict does not show:
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
// full), kCancelled (`stop`: nothing is kept). Determinism: the same findings
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
#include "revlm/run.h"

namespace revlm {

enum class Verdict { kSame, kDerived, kDifferent, kUndecided };

// "SAME", "DERIVED", "DIFFERENT", "UNDECIDED".
std::string_view VerdictName(Verdict verdict);

// ---- What was found -------------------------------------------------------

enum class Relation {
  kSame,           // all tensors are equal, up to exact widening
  kDerived,        // not trained independently of each other
  kIndependent,    // comparable, and no sign of common weights
  kNotComparable,  // the shapes or vocabularies leave nothing to compare
};

struct WeightFinding {
  Relation relation = Relation::kNotComparable;
  // The relation in plain words, or why there is none.
  std::string sentence;
  // Of kDerived: the two compute the same function, only written down
  // otherwise (permuted, rotated, rescaled).
  bool is_same_function = false;
  double z = 0;            // of the statistic that decided; 0: none was needed
  double error_bound = 0;  // of a wrong kDerived; 0: the relation is exact
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

struct BehaviourFinding {
  Scale scale = Scale::kNone;
  std::string why_none;  // of Scale::kNone

  // Of the first look that decided, and how many prompts that had taken: all of
  // them when none did.
  Closeness closeness = Closeness::kUndecided;
  int64_t num_used = 0;

  int64_t num_prompts = 0;       // that have a value
  int64_t num_cut = 0;           // of them, above the cut, KL(a||b)
  DivergenceFinding divergence;  // KL(a||b)
  DivergenceFinding mirror;      // KL(b||a)
  // ln of an e-value against "the two differ by no more than is tolerated", at
  // a time of stopping.
  double log_e = 0;
  // Prompts in all that would decide were the others like these; 0: not within
  // reason. Of kUndecided.
  int64_t num_needed = 0;
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
  int64_t num_used = 0;  // prompts that the verdict took
  std::optional<WeightFinding> weights;
  std::optional<BehaviourFinding> behaviour;
};

struct ComparedModel {
  std::string alias;
  std::string reference;
  std::string commit;       // of the Hugging Face cache
  std::string tensor_root;  // 64 hex
  std::string identity;     // 64 hex: of everything but the weights' content
};

struct Comparison {
  std::vector<ComparedModel> models;
  // The first with the second, third, ..., the second with the third, ...
  std::vector<PairComparison> pairs;
  Verdict worst =
      Verdict::kUndecided;  // of DIFFERENT, UNDECIDED, DERIVED, SAME

  int64_t num_prompts = 0;
  std::string prompt_source;  // "pot/1", or the digest of prompts of one's own
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
  uint64_t seed = 0;  // of these, and of which rows of weights are compared
  bool special_tokens = true;

  // The hidden units of all layers are matched, not of some: minutes for models
  // of billions of weights.
  bool full_matching = false;

  double same_nats = 1e-3;  // a token: a divergence that still counts as none
  double alpha = 0.01;      // of a wrong verdict, for each pair

  Dtype dtype = Dtype::kF32;  // f32 holds every weight exactly
  int32_t num_threads = 0;    // 0: one for each CPU this process may use
  std::optional<int32_t> batch_size;
  std::optional<uint64_t> memory_limit_bytes;
  bool memory_strict = false;
  bool owns_process = false;  // as RunOptions

  // The directory of this comparison: new or empty. Empty: a new one in
  // `runs_dir`.
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
