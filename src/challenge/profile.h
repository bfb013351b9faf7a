// The behaviour profiler: what models do with prompts, as statistics of each
// model, and the areas of prompts where models differ in them.
//
// Of each observation, seven traits between 0 and 1:
//
//   uncertainty  h / (h + 2) for a mean entropy of h nats
//   peakedness   mean probability of the likeliest token
//   repetition   share of the answer's word triples that came before in it
//   refusal      1 for an answer that begins by declining, else 0
//   script       share of its letters that are not Latin
//   format       1 for an answer that is JSON, code, a table or a list, else 0
//   length       w / (w + 32) for w words
//
// Traits of an answer are known for observations with an answer only. A
// comparison has none: it asks what comes next at each position of a prompt,
// and nobody answers, so there two traits are compared and not seven.
// Calibration compares the model's confidence with its uncertainty, since no
// prompt comes with a right answer: peakedness minus exp(-h), which is 0 for a
// uniform choice among e^h tokens and grows the more one token stands out.
//
// Threads: thread-compatible. Memory: some hundred bytes for each model and for
// each pair of model and area, at most 64 models and 1,024 areas: below 8 MiB.
// More models or areas than that are left out. Errors: none. Determinism: of
// the calls in their order, as `portable_math.h` says; except `calibration`,
// which is for reading and decides nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "challenge/features.h"
#include "challenge/system.h"

namespace revlm::challenge {

// What one model did with a challenge.
struct ModelObservation {
  std::string model;
  std::string answer;            // empty: none was asked for
  double mean_entropy_nats = 0;  // of the next token, over all positions
  double mean_top_probability = 0;
};

enum class Trait : uint8_t {
  kUncertainty,
  kPeakedness,
  kRepetition,
  kRefusal,
  kScript,
  kFormat,
  kLength,
};
inline constexpr size_t kNumTraits = 7;
using Traits = std::array<double, kNumTraits>;  // by Trait

enum class Script : uint8_t { kLatin, kCyrillic, kGreek, kEastAsian, kOther };
inline constexpr size_t kNumScripts = 5;

enum class AnswerFormat : uint8_t { kProse, kJson, kCode, kTable, kList };
inline constexpr size_t kNumAnswerFormats = 5;

// For tables and files.
std::string_view TraitName(Trait trait);
std::string_view ScriptName(Script script);
std::string_view AnswerFormatName(AnswerFormat format);

// What all observations of one model come to.
struct ModelProfile {
  std::string model;
  size_t num_observations = 0;
  size_t num_answers = 0;
  // Means; of those of answers over answers, and nothing without any.
  Traits traits = {};
  double mean_entropy_nats = 0;
  double calibration = 0;                              // mean
  std::array<double, kNumScripts> scripts = {};        // shares of letters
  std::array<double, kNumAnswerFormats> formats = {};  // shares of answers
};

class Profiler {
 public:
  // Takes what models did with `challenge`.
  void Learn(const Challenge& challenge,
             std::span<const ModelObservation> observations);

  // How far models differ in traits where `challenge` comes from, relative to
  // the area where they differ most: in [0, 1]; 0 while nothing is known. For
  // each level of area, coarse to fine, the spread of the models' mean traits,
  // averaged over those observed; weighted against the level above as n to 4,
  // for n observations of the model that has fewest. A trait that fewer than
  // two models were observed in says nothing of how far they differ.
  double Contrast(const Challenge& challenge) const;

  // In the order in which the models came.
  std::vector<ModelProfile> profiles() const;

 private:
  struct Sums {
    size_t num_observations = 0;
    size_t num_answers = 0;
    Traits traits = {};

    void Add(const ModelObservation& observation, const Traits& added);
    size_t Count(size_t trait_idx) const;  // observations of a trait
    Traits Means() const;
  };
  struct Totals {
    std::string model;
    Sums sums;
    double entropy_nats = 0;
    double calibration = 0;
    double num_letters = 0;
    std::array<double, kNumScripts> letters = {};
    std::array<double, kNumAnswerFormats> formats = {};
  };
  struct Area {
    std::map<size_t, Sums> sums;  // by index of the model
    double spread = 0;
    double num_least = 0;  // observations of the model that has fewest
  };

  static void Measure(Area& area);
  static double Towards(double above, const Area& area);
  size_t ModelIndex(const std::string& model);  // kMaxModels: is left out

  std::vector<Totals> models_;
  std::map<std::string, Area> areas_;
  double largest_spread_ = 0;
};

}  // namespace revlm::challenge
