#include "verify/record.h"

#include "run/op_record.h"
#include "verify/record_archive.h"

namespace revlm::verify {
namespace {

using base::Json;

constexpr Names<Verdict, 4> kVerdicts = {{{Verdict::kSame, "SAME"},
                                          {Verdict::kDerived, "DERIVED"},
                                          {Verdict::kDifferent, "DIFFERENT"},
                                          {Verdict::kUndecided, "UNDECIDED"}}};
constexpr Names<Relation, 4> kRelations = {
    {{Relation::kSame, "same"},
     {Relation::kDerived, "derived"},
     {Relation::kIndependent, "independent"},
     {Relation::kNotComparable, "not_comparable"}}};
constexpr Names<Scale, 3> kScales = {{{Scale::kTokens, "tokens"},
                                      {Scale::kFirstBytes, "first_bytes"},
                                      {Scale::kNone, "none"}}};
constexpr Names<Closeness, 3> kClosenesses = {
    {{Closeness::kUndecided, "undecided"},
     {Closeness::kSame, "same"},
     {Closeness::kDifferent, "different"}}};
constexpr Names<Reading, 2> kReadings = {
    {{Reading::kDrawnTokens, "drawn_tokens"},
     {Reading::kCompared, "compared"}}};
constexpr char kEvidenceSchema[] = "revlm.evidence/1";

// Documents from before there was such a member read as if it were empty.
template <typename Archive, typename T>
void Later(Archive& archive, const char* name, T& value) {
  std::optional<T> member = value;
  archive(name, member);
  value = std::move(member).value_or(T());
}

}  // namespace

template <typename Archive>
void Fields(Archive& archive, WeightStatistic& statistic) {
  archive("z", statistic.z);
  archive("log_p", statistic.log_p);
  archive("num_units", statistic.num_units);
}

template <typename Archive>
void Fields(Archive& archive, LayerSimilarity& layer) {
  archive("a", layer.a);
  archive("b", layer.b);
  archive("similarity", layer.similarity);
}

template <typename Archive>
void Fields(Archive& archive, TensorFinding& finding) {
  archive("num_tensors", finding.num_tensors);
  archive("num_equal_bytes", finding.num_equal_bytes);
  archive("num_equal_values", finding.num_equal_values);
  archive("common", finding.common);
  archive("equal", finding.equal);
  archive("differing", finding.differing);
  archive("only_in_a", finding.only_in_a);
  archive("only_in_b", finding.only_in_b);
  archive("not_finite_in_a", finding.not_finite_in_a);
  archive("not_finite_in_b", finding.not_finite_in_b);
  archive("settings", finding.settings);
}

template <typename Archive>
void Fields(Archive& archive, WeightFinding& finding) {
  archive.Name("relation", finding.relation, kRelations);
  archive("sentence", finding.sentence);
  archive("is_same_function", finding.is_same_function);
  archive("z", finding.z);
  archive("error_bound", finding.error_bound);
  archive("tensors", finding.tensors);
  archive("match", finding.match);
  archive("csu", finding.csu);
  Later(archive, "layers", finding.layers);
}

template <typename Archive>
void Fields(Archive& archive, DivergenceFinding& finding) {
  archive("nats", finding.nats);
  archive("lower", finding.lower);
  archive("upper", finding.upper);
}

template <typename Archive>
void Fields(Archive& archive, NearnessFinding& finding) {
  archive("num_pairs", finding.num_pairs);
  archive("ratio", finding.ratio);
  archive("log_e", finding.log_e);
  archive("is_shown", finding.is_shown);
}

template <typename Archive>
void Fields(Archive& archive, BehaviourFinding& finding) {
  archive.Name("scale", finding.scale, kScales);
  archive("why_none", finding.why_none);
  archive.Name("closeness", finding.closeness, kClosenesses);
  archive("num_used", finding.num_used);
  archive("num_prompts", finding.num_prompts);
  archive("num_cut", finding.num_cut);
  Later(archive, "num_failed", finding.num_failed);
  archive("divergence", finding.divergence);
  archive("mirror", finding.mirror);
  archive("log_e", finding.log_e);
  archive("num_needed", finding.num_needed);
  archive("nearness", finding.nearness);
}

template <typename Archive>
void Fields(Archive& archive, TextAlternative& alternative) {
  archive("name", alternative.name);
  archive("derivation", alternative.derivation);
  archive("nats", alternative.nats);
  archive("nats_error", alternative.nats_error);
  archive("dilution", alternative.dilution);
  archive("posterior", alternative.posterior);
  archive("share", alternative.share);
}

template <typename Archive>
void Fields(Archive& archive, TextFinding& finding) {
  archive.Name("reading", finding.reading, kReadings);
  archive("num_requests", finding.num_requests);
  archive("num_tokens", finding.num_tokens);
  archive("max_tokens", finding.max_tokens);
  archive("log_e", finding.log_e);
  archive("num_refuted", finding.num_refuted);
  archive("winner", finding.winner);
  archive("winner_log_odds", finding.winner_log_odds);
  archive("winner_weights", finding.winner_weights);
  archive("fitted", finding.fitted);
  archive.Name("closeness", finding.closeness, kClosenesses);
  archive("num_used", finding.num_used);
  archive("lower_nats", finding.lower_nats);
  archive("upper_nats", finding.upper_nats);
  archive("num_needed", finding.num_needed);
  archive("alternatives", finding.alternatives);
}

template <typename Archive>
void Fields(Archive& archive, PairComparison& pair) {
  archive("a", pair.a);
  archive("b", pair.b);
  archive.Name("verdict", pair.verdict, kVerdicts);
  archive("reason", pair.reason);
  archive("missing", pair.missing);
  archive("error_bound", pair.error_bound);
  archive("num_used", pair.num_used);
  archive("weights", pair.weights);
  archive("behaviour", pair.behaviour);
  archive("texts", pair.texts);
}

template <typename Archive>
void Fields(Archive& archive, ComparedModel& model) {
  archive("alias", model.alias);
  archive("reference", model.reference);
  archive("commit", model.commit);
  archive("tensor_root", model.tensor_root);
  archive("identity", model.identity);
  archive("chat_template_sha256", model.chat_template_sha256);
}

template <typename Archive>
void Fields(Archive& archive, PromptSystemReport& system) {
  archive("name", system.name);
  archive("share", system.share);
  archive("num_prompts", system.num_prompts);
  archive.OrNull("failure", system.failure);
  archive.OrNull("remark", system.remark);
}

template <typename Archive>
void Fields(Archive& archive, PromptRound& round) {
  archive("num_prompts", round.num_prompts);
  archive("num_undecided", round.num_undecided);
}

template <typename Archive>
void Fields(Archive& archive, BehaviourProfile& profile) {
  archive("model", profile.model);
  archive("num_prompts", profile.num_prompts);
  archive("mean_entropy_nats", profile.mean_entropy_nats);
  archive("mean_top_probability", profile.mean_top_probability);
}

template <typename Archive>
void Fields(Archive& archive, AdaptivePrompts& adaptive) {
  archive("systems", adaptive.systems);
  archive("strategy", adaptive.strategy);
  archive("focus", adaptive.focus);
  archive("rounds", adaptive.rounds);
  archive.Newer("num_left_out", adaptive.num_left_out);
  archive.Newer("profiles", adaptive.profiles);
}

template <typename Archive>
void Fields(Archive& archive, Comparison& comparison) {
  archive("models", comparison.models);
  archive("pairs", comparison.pairs);
  archive.Name("verdict", comparison.worst, kVerdicts);
  archive("num_prompts", comparison.num_prompts);
  archive("prompt_source", comparison.prompt_source);
  // Documents from before there was another form do not say it.
  std::optional<std::string> form = comparison.prompt_form;
  archive("prompt_form", form);
  comparison.prompt_form = form.value_or("text");
  archive("adaptive", comparison.adaptive);
  archive("seed", comparison.seed);
  archive("same_nats", comparison.same_nats);
  archive("most_nats", comparison.most_nats);
  archive("alpha", comparison.alpha);
  archive("compute", comparison.compute);
  archive("numerics", comparison.numerics);
}

template <typename Archive>
void Fields(Archive& archive, EvidenceLine& line) {
  archive("a", line.a);
  archive("b", line.b);
  archive("prompt_idx", line.prompt_idx);
  archive("prompt", line.prompt);
  archive("num_positions", line.divergence.num_positions);
  archive("nats", line.divergence.nats);
  archive("mirror_nats", line.divergence.mirror_nats);
}

Json ComparisonToJson(const Comparison& comparison) {
  Json json = ToJson(comparison);
  json["schema"] = kVerdictsSchema;
  return json;
}

Result<Comparison> ComparisonFromJson(const Json& json,
                                      const std::string& source) {
  REVLM_TRY(CheckSchema(json, kVerdictsSchema, source));
  return FromJson<Comparison>(json, source);
}

Json WeightFindingToJson(const WeightFinding& finding) {
  return ToJson(finding);
}

Result<WeightFinding> WeightFindingFromJson(const Json& json,
                                            const std::string& source) {
  return FromJson<WeightFinding>(json, source);
}

std::string EvidenceToLine(const EvidenceLine& line) {
  Json json = ToJson(line);
  json["schema"] = kEvidenceSchema;
  return run::ToLine(json);
}

Result<EvidenceLine> EvidenceFromLine(std::string_view line,
                                      const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const Json json, base::ParseJson(line, source));
  REVLM_TRY(CheckSchema(json, kEvidenceSchema, source));
  return FromJson<EvidenceLine>(json, source);
}

}  // namespace revlm::verify
