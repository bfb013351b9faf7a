#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "report/text.h"
#include "revlm/report.h"

namespace revlm {
namespace {

using report::Column;
using report::Plural;

constexpr int32_t kVerdictColumns = 9;
constexpr int32_t kDivergenceColumns = 25;
constexpr int32_t kRiskColumns = 8;
constexpr double kLn10 = 2.302585092994046;

std::string NameOf(const PairComparison& pair) {
  return pair.a + " ~ " + pair.b;
}

// 0.0123 [0.0081, 0.0166], or 0.446 (> 0.085) where values were cut: the upper
// limit then is that of what is left of them.
std::string DivergenceText(const PairComparison& pair) {
  if (pair.texts) {  // of the target from the reference, which texts bound
    const std::optional<double>& upper = pair.texts->upper_nats;
    return upper
               ? fmt::format("[{:.2g}, {:.2g}]", pair.texts->lower_nats, *upper)
               : fmt::format(">= {:.2g}", pair.texts->lower_nats);
  }
  if (!pair.behaviour || pair.behaviour->num_prompts == 0) return "-";
  const DivergenceFinding& found = pair.behaviour->divergence;
  const std::string limits =
      pair.behaviour->num_cut > 0
          ? fmt::format("(> {:.2g})", found.lower)
          : fmt::format("[{:.2g}, {:.2g}]", found.lower, found.upper);
  return fmt::format("{}{:.3g} {}",
                     pair.behaviour->scale == Scale::kFirstBytes ? ">= " : "",
                     found.nats, limits);
}

// <= 1 %
std::string RiskText(const PairComparison& pair) {
  if (pair.verdict == Verdict::kUndecided) return "-";
  if (pair.error_bound == 0) return "exact";
  return fmt::format("<= {:.2g}", pair.error_bound);
}

std::string PaintVerdict(Verdict verdict, const TextStyle& style) {
  const std::string name =
      Column(VerdictName(verdict), kVerdictColumns, style.charset);
  if (style.color == Color::kNever) return name;
  const std::string_view code = verdict == Verdict::kSame        ? "32"
                                : verdict == Verdict::kDerived   ? "36"
                                : verdict == Verdict::kDifferent ? "31"
                                                                 : "33";
  return fmt::format("\x1b[1;{}m{}\x1b[0m", code, name);
}

// "a, b, c and 41 more" of the equal ones; those that say most come first.
std::string EqualNames(const TensorFinding& tensors, const TextStyle& style) {
  std::vector<std::string> names = tensors.common;
  for (const std::string& name : tensors.equal) {
    if (std::ranges::find(tensors.common, name) == tensors.common.end()) {
      names.push_back(name);
    }
  }
  return Printable(base::NameSome(names), style.charset);
}

bool HasCommonTensors(const PairComparison& pair) {
  return pair.weights && pair.weights->tensors &&
         !pair.weights->tensors->common.empty();
}

std::string PairTable(const Comparison& comparison, const TextStyle& style) {
  int32_t pair_columns = 4;
  for (const PairComparison& pair : comparison.pairs) {
    pair_columns = std::max(pair_columns, report::Width(NameOf(pair)));
  }
  constexpr int32_t kOtherColumns =
      kVerdictColumns + kDivergenceColumns + kRiskColumns + 4 + 8;
  pair_columns =
      std::min(pair_columns, std::max(style.columns - kOtherColumns, 16));
  std::string table = fmt::format("{}  {:<{}}  {:<{}}  {:<{}}  USED\n",
                                  Column("PAIR", pair_columns, style.charset),
                                  "VERDICT", kVerdictColumns, "NATS A TOKEN",
                                  kDivergenceColumns, "RISK", kRiskColumns);
  for (const PairComparison& pair : comparison.pairs) {
    table += fmt::format(
        "{}  {}  {}  {}  {:>4}\n",
        Column(NameOf(pair), pair_columns, style.charset),
        PaintVerdict(pair.verdict, style),
        Column(DivergenceText(pair), kDivergenceColumns, style.charset),
        Column(RiskText(pair), kRiskColumns, style.charset), pair.num_used);
    table += "  " + Printable(pair.reason, style.charset) + "\n";
    if (pair.verdict == Verdict::kDerived && HasCommonTensors(pair)) {
      table += "  equal: " + EqualNames(*pair.weights->tensors, style) + "\n";
    }
  }
  return table;
}

std::string CountLine(const Comparison& comparison) {
  int64_t counts[4] = {};
  for (const PairComparison& pair : comparison.pairs) {
    ++counts[static_cast<size_t>(pair.verdict)];
  }
  return fmt::format(
      "{}: {} SAME, {} DERIVED, {} DIFFERENT, {} UNDECIDED",
      Plural(static_cast<int64_t>(comparison.pairs.size()), "pair"),
      counts[static_cast<size_t>(Verdict::kSame)],
      counts[static_cast<size_t>(Verdict::kDerived)],
      counts[static_cast<size_t>(Verdict::kDifferent)],
      counts[static_cast<size_t>(Verdict::kUndecided)]);
}

// "rounds  8, 8, 16 prompts; undecided pairs after each: 3, 1, 0", or "all at
// once".
std::string RoundsLines(const AdaptivePrompts& adaptive,
                        const TextStyle& style) {
  std::string sizes;
  std::string undecided;
  for (const PromptRound& round : adaptive.rounds) {
    sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", round.num_prompts);
    undecided +=
        fmt::format("{}{}", undecided.empty() ? "" : ", ", round.num_undecided);
  }
  const std::string rounds =
      sizes.empty() ? "all at once"
                    : fmt::format("{} prompts; undecided pairs after each: {}",
                                  sizes, undecided);
  std::string lines = fmt::format("rounds  {}; strategy {}, focus {}\n", rounds,
                                  Printable(adaptive.strategy, style.charset),
                                  Printable(adaptive.focus, style.charset));
  if (adaptive.num_left_out > 0) {
    lines += fmt::format("  {} left out: longer than memory was planned for\n",
                         Plural(adaptive.num_left_out, "prompt"));
  }
  lines += report::SystemsLines(adaptive.systems, style.charset);
  for (const BehaviourProfile& profile : adaptive.profiles) {
    lines += fmt::format(
        "model   {}: entropy of the next token {:.3g} nats, probability of the "
        "likeliest {:.3g}, on {}\n",
        Printable(profile.model, style.charset), profile.mean_entropy_nats,
        profile.mean_top_probability, Plural(profile.num_prompts, "prompt"));
  }
  return lines;
}

std::string RulesLine(const Comparison& comparison, const TextStyle& style) {
  const bool is_digest = comparison.prompt_source.size() == 64;
  const bool is_text =
      !comparison.pairs.empty() && comparison.pairs[0].texts.has_value();
  const std::string rules = fmt::format(
      "rules   {} of {}, seed {}{}; SAME below {:g} nats a token; error rate "
      "{:g}\n",
      Plural(comparison.num_prompts, is_text ? "request" : "prompt"),
      is_digest ? report::ShortDigest(comparison.prompt_source)
                : Printable(comparison.prompt_source, style.charset),
      comparison.seed,
      comparison.prompt_form == "chat" ? ", asked in chat form" : "",
      comparison.same_nats, comparison.alpha);
  return comparison.adaptive ? rules + RoundsLines(*comparison.adaptive, style)
                             : rules;
}

std::string TensorLines(const TensorFinding& tensors, const TextStyle& style) {
  std::string lines;
  const auto add = [&](std::string_view label,
                       const std::vector<std::string>& names) {
    if (names.empty()) return;
    lines += fmt::format("             {} {}\n", label,
                         Printable(base::NameSome(names), style.charset));
  };
  if (tensors.num_equal_values > 0) {
    const bool is_in_bytes =
        tensors.num_equal_bytes == tensors.num_equal_values;
    lines += fmt::format("             {} of {} tensors equal in {}: {}\n",
                         tensors.num_equal_values, tensors.num_tensors,
                         is_in_bytes ? "bytes" : "values",
                         EqualNames(tensors, style));
    add("not equal:", tensors.differing);
  }
  add("only in a:", tensors.only_in_a);
  add("only in b:", tensors.only_in_b);
  add("other settings:", tensors.settings);
  return lines;
}

// "MATCH p = 10^-120 (z = 25, 384 units)".
std::string StatisticText(std::string_view name,
                          const WeightStatistic& statistic) {
  const double decades = statistic.log_p / kLn10;
  const std::string p = decades <= -4
                            ? fmt::format("10^{:.0f}", decades)
                            : fmt::format("{:.2g}", std::exp(statistic.log_p));
  return fmt::format("{} p = {} (z = {:.3g}, {})", name, p, statistic.z,
                     Plural(statistic.num_units, "unit"));
}

// What was measured besides.
std::string MeasuredLines(const WeightFinding& weights) {
  std::string lines;
  if (weights.match && weights.csu) {
    lines += fmt::format(
        "             order of hidden units, which decides nothing: {}; {}\n",
        StatisticText("MATCH", *weights.match),
        StatisticText("CSU", *weights.csu));
  }
  constexpr size_t kPerLine = 5;
  for (size_t i = 0; i < weights.layers.size(); ++i) {
    const LayerSimilarity& layer = weights.layers[i];
    if (i == 0) lines += "             similarity of layers, a~b:";
    if (i > 0 && i % kPerLine == 0) lines += "\n                           ";
    lines += fmt::format("  {}~{} {:.3f}", layer.a, layer.b, layer.similarity);
  }
  return weights.layers.empty() ? lines : lines + "\n";
}

std::string WeightLines(const WeightFinding& weights, const TextStyle& style) {
  std::string line =
      "  weights    " + Printable(weights.sentence, style.charset);
  if (weights.z != 0) {
    line += fmt::format(
        "; {:.3g} standard deviations from models trained independently",
        weights.z);
  }
  if (weights.is_same_function) {
    line += "; both compute the same function";
  }
  line += "\n";
  if (weights.tensors) line += TensorLines(*weights.tensors, style);
  return line + MeasuredLines(weights);
}

std::string DirectionLine(std::string_view name,
                          const DivergenceFinding& found) {
  return fmt::format(
      "             {}  {:.3g} on average, limits {:.3g} and "
      "{:.3g}\n",
      name, found.nats, found.lower, found.upper);
}

std::string BehaviourLines(const BehaviourFinding& behaviour,
                           const Comparison& comparison,
                           const TextStyle& style) {
  if (behaviour.num_prompts == 0 && !behaviour.why_none.empty()) {
    return "  behaviour  not compared: " +
           Printable(behaviour.why_none, style.charset) + "\n";
  }
  const std::string_view over =
      behaviour.scale == Scale::kTokens
          ? "divergence of the next token"
          : "divergence of the next byte (tokenizers differ), a lower bound";
  std::string lines =
      fmt::format("  behaviour  {}, nats a token, on {}:\n", over,
                  Plural(behaviour.num_prompts, "prompt"));
  lines += DirectionLine("KL(a||b)", behaviour.divergence);
  lines += DirectionLine("KL(b||a)", behaviour.mirror);
  if (behaviour.num_cut > 0) {
    lines += fmt::format(
        "             {} beyond the cut of {:g}, counted as "
        "that in the limits\n",
        Plural(behaviour.num_cut, "prompt"), comparison.most_nats);
  }
  if (behaviour.num_failed > 0) {
    lines += fmt::format("             {} failed, and count for nothing\n",
                         Plural(behaviour.num_failed, "more prompt"));
  }
  switch (behaviour.closeness) {
    case Closeness::kSame:
      lines += fmt::format("             below {:g} certified after {}\n",
                           comparison.same_nats,
                           Plural(behaviour.num_used, "prompt"));
      break;
    case Closeness::kDifferent:
      lines += fmt::format("             above {:g} certified after {}\n",
                           comparison.same_nats,
                           Plural(behaviour.num_used, "prompt"));
      break;
    case Closeness::kUndecided:
      lines += fmt::format(
          "             neither below nor above {:g} is certified\n",
          comparison.same_nats);
      break;
  }
  if (behaviour.nearness) {
    const NearnessFinding& nearness = *behaviour.nearness;
    lines += fmt::format(
        "             {:.3g} times the divergence of the nearest of {} other "
        "unrelated pairs;\n             {} (e = 10^{:.1f})\n",
        nearness.ratio, nearness.num_pairs,
        nearness.is_shown ? "related behaviour" : "no related behaviour shown",
        nearness.log_e / kLn10);
  }
  return lines;
}

std::string TextLines(const TextFinding& texts, const Comparison& comparison,
                      const TextStyle& style) {
  std::string lines =
      fmt::format("  texts      {} of {} tokens, {}:\n",
                  Plural(texts.num_requests, "answer"), texts.num_tokens,
                  texts.reading == Reading::kDrawnTokens
                      ? "its tokens as they were drawn"
                      : "compared with the reference's own answers");
  lines += fmt::format("             against the reference e = 10^{:.1f}{}\n",
                       texts.log_e / kLn10,
                       texts.num_refuted > 0
                           ? fmt::format(", refuted after {}",
                                         Plural(texts.num_refuted, "answer"))
                           : ", not refuted");
  lines += fmt::format("             KL(target||reference) at least {:.3g}{}\n",
                       texts.lower_nats,
                       texts.upper_nats
                           ? fmt::format(", at most {:.3g} if on the way to "
                                         "an alternative",
                                         *texts.upper_nats)
                           : "");
  if (texts.closeness != Closeness::kUndecided) {
    lines +=
        fmt::format("             {} {:g} certified after {}\n",
                    texts.closeness == Closeness::kSame ? "below" : "above",
                    comparison.same_nats, Plural(texts.num_used, "answer"));
  }
  for (const TextAlternative& alternative : texts.alternatives) {
    lines += fmt::format(
        "             {}  {:.2g} nats from the reference, posterior "
        "{:.3g}{}{}\n",
        Column(alternative.name, 14, style.charset), alternative.nats,
        alternative.posterior,
        alternative.share < 1
            ? fmt::format(", at {:g} of the requests", alternative.share)
            : "",
        alternative.name == texts.winner ? ", fits" : "");
  }
  if (texts.winner_weights) {
    lines +=
        fmt::format("             weights of {}: {}\n",
                    Printable(texts.winner, style.charset),
                    Printable(texts.winner_weights->sentence, style.charset));
  }
  return lines;
}

// The same, when there are only texts to know it by.
std::string_view TextLimitsOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame:
      return "of these prompts, and of models on the way to an alternative; a "
             "change that resembles none of them is not excluded";
    case Verdict::kDerived:
      return "it is not the reference; which alternative it is, is as certain "
             "as the odds say, among those that were tried";
    case Verdict::kDifferent:
      return "it answers otherwise; what it is, and whether it comes from the "
             "reference, texts do not say";
    case Verdict::kUndecided:
      break;
  }
  return "nothing is claimed, neither that it is the reference nor that it is "
         "not";
}

// What the verdict leaves open.
std::string_view LimitsOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame:
      return "equal weights answer alike where settings and arithmetic do; it "
             "says nothing of who made them";
    case Verdict::kDerived:
      return "they were not trained independently; it does not say which came "
             "first, nor that anything was taken without leave";
    case Verdict::kDifferent:
      return "they answer otherwise and no common weights were found; one may "
             "still have learned from the other's answers";
    case Verdict::kUndecided:
      return "nothing is claimed, neither that they are related nor that they "
             "are not";
  }
  return "";
}

}  // namespace

std::string RenderText(const Comparison& comparison, int exit_code,
                       const TextStyle& style) {
  std::string text;
  for (const ComparedModel& model : comparison.models) {
    text += fmt::format(
        "model   {}{}{}\n", Printable(model.alias, style.charset),
        model.commit.empty() ? "" : "  HF cache " + model.commit.substr(0, 7),
        model.tensor_root.empty()
            ? ""
            : "  tensors " + report::ShortDigest(model.tensor_root));
  }
  text += RulesLine(comparison, style);
  text += PairTable(comparison, style);
  text += fmt::format("{}  exit {}", CountLine(comparison), exit_code);
  if (comparison.seconds > 0) {
    text += "  " + report::FormatSeconds(comparison.seconds);
  }
  return text + fmt::format("\n  why: revlm explain {}\n",
                            Printable(comparison.run_dir, style.charset));
}

std::string RenderExplanation(const Comparison& comparison,
                              const TextStyle& style) {
  std::string text = RulesLine(comparison, style);
  for (const PairComparison& pair : comparison.pairs) {
    text += fmt::format("\n{}: {}\n", Printable(NameOf(pair), style.charset),
                        VerdictName(pair.verdict));
    text += "  because    " + Printable(pair.reason, style.charset) + "\n";
    if (pair.weights) text += WeightLines(*pair.weights, style);
    if (pair.behaviour) {
      text += BehaviourLines(*pair.behaviour, comparison, style);
    }
    if (pair.texts) text += TextLines(*pair.texts, comparison, style);
    if (pair.verdict != Verdict::kUndecided) {
      text += pair.error_bound == 0
                  ? "  risk       none: the comparison is exact\n"
                  : fmt::format(
                        "  risk       wrong with probability {:.2g} at "
                        "most\n",
                        pair.error_bound);
    }
    if (!pair.missing.empty()) {
      text += "  missing    " + Printable(pair.missing, style.charset) + "\n";
    }
    text +=
        fmt::format("  limits     {}\n", pair.texts ? TextLimitsOf(pair.verdict)
                                                    : LimitsOf(pair.verdict));
  }
  return text;
}

}  // namespace revlm
