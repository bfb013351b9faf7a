#include "verify/record.h"

#include <array>
#include <concepts>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "run/op_record.h"

namespace revlm::verify {
namespace {

using base::Json;

template <typename E, size_t kCount>
using Names = std::array<std::pair<E, std::string_view>, kCount>;

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

// What a struct holds is said once, in `Fields`, for writing and reading.
class Writer {
 public:
  template <typename T>
  void operator()(const char* name, const T& value) {
    json_[name] = ToJson(value);
  }
  template <typename E, size_t kCount>
  void Name(const char* name, const E& value, const Names<E, kCount>& names) {
    for (const auto& [known, text] : names) {
      if (known == value) json_[name] = text;
    }
  }
  Json Take() { return std::move(json_); }

 private:
  template <typename T>
  static Json ToJson(const T& value) {
    if constexpr (std::constructible_from<Json, const T&>) {
      return Json(value);
    } else {
      Writer writer;
      Fields(writer, const_cast<T&>(value));  // only read
      return writer.Take();
    }
  }
  template <typename T>
  static Json ToJson(const std::optional<T>& value) {
    return value ? ToJson(*value) : Json();
  }
  template <typename T>
  static Json ToJson(const std::vector<T>& values) {
    Json array = Json::array();
    for (const T& value : values) array.push_back(ToJson(value));
    return array;
  }

  Json json_ = Json::object();
};

// Keeps the first error; what follows it reads as nothing.
class Reader {
 public:
  Reader(const Json& json, const std::string& source)
      : json_(json), source_(source) {
    if (!json.is_object()) {
      error_ = Error{ErrorCode::kCorrupt, source + ": found no object"};
    }
  }

  void operator()(const char* name, std::string& value) {
    Get(base::GetString, name, value);
  }
  void operator()(const char* name, double& value) {
    Get(base::GetNumber, name, value);
  }
  void operator()(const char* name, bool& value) {
    Get(base::GetBool, name, value);
  }
  template <std::signed_integral T>
  void operator()(const char* name, T& value) {
    const base::IntRange range = {.max = std::numeric_limits<T>::max()};
    Get(
        [range](const Json& json, std::string_view key,
                const std::string& source) {
          return base::GetInt(json, key, range, source);
        },
        name, value);
  }
  void operator()(const char* name, uint64_t& value) {
    const Json* member = Find(name);
    if (member == nullptr) return;
    if (!member->is_number_unsigned()) return Fail(name, "no whole number");
    value = member->get<uint64_t>();
  }
  template <typename T>
  void operator()(const char* name, std::optional<T>& value) {
    if (error_ || base::FindMember(json_, name) == nullptr) return;
    (*this)(name, value.emplace());
  }
  template <typename T>
  void operator()(const char* name, std::vector<T>& values) {
    const Json* member = Find(name);
    if (member == nullptr) return;
    if (!member->is_array()) return Fail(name, "no array");
    for (const Json& element : *member) Read(element, values.emplace_back());
  }
  template <typename T>
    requires std::is_class_v<T>
  void operator()(const char* name, T& value) {
    if (const Json* member = Find(name)) Read(*member, value);
  }
  template <typename E, size_t kCount>
  void Name(const char* name, E& value, const Names<E, kCount>& names) {
    std::string text;
    (*this)(name, text);
    for (const auto& [known, known_text] : names) {
      if (text == known_text) {
        value = known;
        return;
      }
    }
    Fail(name, "no such name");
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  const Json* Find(const char* name) {
    if (error_) return nullptr;
    const Json* member = base::FindMember(json_, name);
    if (member == nullptr) Fail(name, "nothing");
    return member;
  }
  template <typename Getter, typename T>
  void Get(const Getter& getter, const char* name, T& value) {
    if (Find(name) == nullptr) return;
    const auto found = getter(json_, name, source_);
    if (!found) {
      error_ = found.error();
    } else if (*found) {
      value = static_cast<T>(**found);
    }
  }
  template <typename T>
  void Read(const Json& json, T& value) {
    Reader reader(json, source_);
    Fields(reader, value);
    if (reader.error_ && !error_) error_ = reader.error_;
  }
  void Fail(const char* name, std::string_view found) {
    if (error_) return;
    error_ = Error{ErrorCode::kCorrupt,
                   fmt::format("{}: found {} in \"{}\"", source_, found, name)};
  }

  const Json& json_;
  const std::string& source_;
  std::optional<Error> error_;
};

template <typename Archive>
void Fields(Archive& archive, WeightFinding& finding) {
  archive.Name("relation", finding.relation, kRelations);
  archive("sentence", finding.sentence);
  archive("is_same_function", finding.is_same_function);
  archive("z", finding.z);
  archive("error_bound", finding.error_bound);
}

template <typename Archive>
void Fields(Archive& archive, DivergenceFinding& finding) {
  archive("nats", finding.nats);
  archive("lower", finding.lower);
  archive("upper", finding.upper);
}

template <typename Archive>
void Fields(Archive& archive, BehaviourFinding& finding) {
  archive.Name("scale", finding.scale, kScales);
  archive("why_none", finding.why_none);
  archive.Name("closeness", finding.closeness, kClosenesses);
  archive("num_used", finding.num_used);
  archive("num_prompts", finding.num_prompts);
  archive("num_cut", finding.num_cut);
  archive("divergence", finding.divergence);
  archive("mirror", finding.mirror);
  archive("log_e", finding.log_e);
  archive("num_needed", finding.num_needed);
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
  archive("failure", system.failure);
  archive("remark", system.remark);
}

template <typename Archive>
void Fields(Archive& archive, PromptRound& round) {
  archive("num_prompts", round.num_prompts);
  archive("num_undecided", round.num_undecided);
}

template <typename Archive>
void Fields(Archive& archive, AdaptivePrompts& adaptive) {
  archive("systems", adaptive.systems);
  archive("strategy", adaptive.strategy);
  archive("focus", adaptive.focus);
  archive("rounds", adaptive.rounds);
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

template <typename T>
Json ToJson(const T& value) {
  Writer writer;
  Fields(writer, const_cast<T&>(value));  // only read
  return writer.Take();
}

template <typename T>
Result<T> FromJson(const Json& json, const std::string& source) {
  T value;
  Reader reader(json, source);
  Fields(reader, value);
  if (reader.error()) return std::unexpected(*reader.error());
  return value;
}

Status CheckSchema(const Json& json, std::string_view schema,
                   const std::string& source) {
  const Json* found = base::FindMember(json, "schema");
  if (found != nullptr && *found == Json(schema)) return {};
  return base::MakeError(ErrorCode::kCorrupt, "{}: found no {}", source,
                         schema);
}

constexpr char kEvidenceSchema[] = "revlm.evidence/1";

}  // namespace

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
