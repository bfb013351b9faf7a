#include "api/unfinished_comparison.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "formats/checkpoint.h"
#include "revlm/prompts.h"
#include "revlm/version.h"
#include "run/plan.h"
#include "verify/record.h"
#include "verify/record_archive.h"
#include "verify/text.h"

namespace revlm {
namespace {

using base::Json;

constexpr char kName[] = "comparison.json";
constexpr char kSchema[] = "revlm.unfinished/1";
constexpr uint64_t kMaxBytes = uint64_t{1} << 30;
constexpr std::chrono::seconds kBetweenSaves{30};

// Rows of tables as they are kept: those with something in them.
struct ValueLine {
  int64_t pair = 0;
  int64_t prompt_idx = 0;
  verify::PromptDivergence value;
};

struct CertaintyLine {
  int64_t model = 0;
  int64_t prompt_idx = 0;
  verify::Certainty of;
};

struct RoundDocument {
  std::string prompts_sha256;
  int64_t num_prompts = 0;
  bool has_certainty = false;
  std::vector<ValueLine> values;
  std::vector<CertaintyLine> certainty;
  std::vector<PromptFailure> failures;
};

template <typename Archive>
void Fields(Archive& archive, ValueLine& line) {
  archive("pair", line.pair);
  archive("prompt_idx", line.prompt_idx);
  archive("num_positions", line.value.num_positions);
  archive("nats", line.value.nats);
  archive("mirror_nats", line.value.mirror_nats);
}

template <typename Archive>
void Fields(Archive& archive, CertaintyLine& line) {
  archive("model", line.model);
  archive("prompt_idx", line.prompt_idx);
  archive("mean_entropy_nats", line.of.mean_entropy_nats);
  archive("mean_top_probability", line.of.mean_top_probability);
}

template <typename Archive>
void Fields(Archive& archive, RoundDocument& round) {
  archive("prompts_sha256", round.prompts_sha256);
  archive("num_prompts", round.num_prompts);
  archive("has_certainty", round.has_certainty);
  archive("values", round.values);
  archive("certainty", round.certainty);
  archive("failures", round.failures);
}

}  // namespace

template <typename Archive>
void Fields(Archive& archive, PromptFailure& failure) {
  archive("model", failure.model);
  archive("prompt_idx", failure.prompt_idx);
  archive("message", failure.message);
}

namespace {

RoundDocument DocumentOf(const RoundFinding& round) {
  RoundDocument document = {.prompts_sha256 = round.prompts_sha256,
                            .num_prompts = round.num_prompts,
                            .has_certainty = !round.certainty.empty(),
                            .failures = round.failures};
  for (size_t pair = 0; pair < round.values.size(); ++pair) {
    for (size_t i = 0; i < round.values[pair].size(); ++i) {
      const verify::PromptDivergence& value = round.values[pair][i];
      if (value.num_positions == 0) continue;
      document.values.push_back(
          {static_cast<int64_t>(pair), static_cast<int64_t>(i), value});
    }
  }
  for (size_t model = 0; model < round.certainty.size(); ++model) {
    for (size_t i = 0; i < round.certainty[model].size(); ++i) {
      if (!round.certainty[model][i]) continue;
      document.certainty.push_back({static_cast<int64_t>(model),
                                    static_cast<int64_t>(i),
                                    *round.certainty[model][i]});
    }
  }
  return document;
}

std::unexpected<Error> Damaged(const std::string& path,
                               const std::string& found) {
  return base::MakeError(ErrorCode::kCorrupt,
                         "going on with {}: {}; remove that file to begin anew",
                         path, found);
}

Result<RoundFinding> RoundOf(RoundDocument document, const Comparison& planned,
                             const std::string& path) {
  const auto num_models = static_cast<int64_t>(planned.models.size());
  const auto num_pairs = static_cast<int64_t>(planned.pairs.size());
  const int64_t num_prompts = document.num_prompts;
  const auto is_in = [&](int64_t row, int64_t num_rows, int64_t prompt_idx) {
    return row < num_rows && prompt_idx < num_prompts;
  };
  const bool fits =
      num_prompts >= 1 && num_prompts <= planned.num_prompts &&
      std::ranges::all_of(document.values,
                          [&](const ValueLine& line) {
                            return is_in(line.pair, num_pairs, line.prompt_idx);
                          }) &&
      std::ranges::all_of(document.certainty,
                          [&](const CertaintyLine& line) {
                            return is_in(line.model, num_models,
                                         line.prompt_idx);
                          }) &&
      std::ranges::all_of(document.failures, [&](const PromptFailure& failure) {
        return is_in(failure.model, num_models, failure.prompt_idx);
      });
  if (!fits) return Damaged(path, "found a round that does not fit the plan");
  const auto size = static_cast<size_t>(num_prompts);
  RoundFinding round = {
      .prompts_sha256 = std::move(document.prompts_sha256),
      .num_prompts = num_prompts,
      .values = PromptTable(planned.pairs.size(),
                            std::vector<verify::PromptDivergence>(size)),
      .failures = std::move(document.failures)};
  for (const ValueLine& line : document.values) {
    round.values[static_cast<size_t>(line.pair)]
                [static_cast<size_t>(line.prompt_idx)] = line.value;
  }
  if (!document.has_certainty) return round;
  round.certainty.assign(planned.models.size(),
                         std::vector<std::optional<verify::Certainty>>(size));
  for (const CertaintyLine& line : document.certainty) {
    round.certainty[static_cast<size_t>(line.model)]
                   [static_cast<size_t>(line.prompt_idx)] = line.of;
  }
  return round;
}

std::string PathIn(const std::string& directory) {
  return directory + "/" + kName;
}

Result<Json> ReadDocument(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         base::OpenFile(path, base::Caching::kPageCache));
  REVLM_ASSIGN_OR_RETURN(const std::string text,
                         base::ReadWholeFile(file, kMaxBytes));
  REVLM_ASSIGN_OR_RETURN(Json document, base::ParseJson(text, path));
  REVLM_TRY(verify::CheckSchema(document, kSchema, path));
  for (const char* name : {"plan", "comparison", "rounds"}) {
    const Json* member = base::FindMember(document, name);
    if (member != nullptr && member->is_structured()) continue;
    return Damaged(path, fmt::format("found no \"{}\"", name));
  }
  return document;
}

}  // namespace

Json PlanOf(const Comparison& planned, const CompareOptions& options,
            const std::vector<OpenedModel>& models) {
  Json plan = verify::ComparisonToJson(planned);
  plan["version"] = kVersion;
  plan["special_tokens"] = options.special_tokens;
  plan["full_matching"] = options.full_matching;
  if (options.orchestration) {
    plan["strategy"] = PromptStrategyName(options.orchestration->strategy);
    plan["focus"] = ChallengeFocusName(options.orchestration->focus);
  }
  Json files = Json::array();
  for (const OpenedModel& model : models) {
    const formats::Checkpoint& checkpoint = *model.model.checkpoint;
    for (uint32_t i = 0; i < checkpoint.num_files(); ++i) {
      const base::FileIdentity& file = checkpoint.file(i).identity();
      files.push_back(
          {{"size_bytes", file.size_bytes}, {"modified_ns", file.modified_ns}});
    }
  }
  plan["files"] = std::move(files);
  return plan;
}

std::string KeptIn(const std::string& directory) {
  return "; what was found so far is kept in " + directory +
         ", and the same command goes on";
}

Result<UnfinishedComparison> UnfinishedComparison::Open(
    const std::string& directory, Json plan, const Comparison& planned) {
  UnfinishedComparison unfinished(directory, std::move(plan));
  const std::string path = PathIn(directory);
  if (!IsKeptIn(directory)) return unfinished;
  REVLM_ASSIGN_OR_RETURN(const Json document, ReadDocument(path));
  if (const auto difference =
          run::FindPlanDifference(document["plan"], unfinished.plan_)) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "{} is of another comparison, which is not finished: "
        "{}; name another directory with --output-dir",
        path, *difference);
  }
  REVLM_ASSIGN_OR_RETURN(Comparison earlier, verify::ComparisonFromJson(
                                                 document["comparison"], path));
  if (earlier.models.size() != planned.models.size() ||
      earlier.pairs.size() != planned.pairs.size()) {
    return Damaged(path, "found findings that do not fit the plan");
  }
  for (const Json& json : document["rounds"]) {
    REVLM_ASSIGN_OR_RETURN(RoundDocument round,
                           verify::FromJson<RoundDocument>(json, path));
    REVLM_ASSIGN_OR_RETURN(unfinished.rounds_.emplace_back(),
                           RoundOf(std::move(round), planned, path));
  }
  unfinished.earlier_ = std::move(earlier);
  unfinished.is_saved_ = true;
  return unfinished;
}

bool UnfinishedComparison::IsKeptIn(const std::string& directory) {
  return base::KindOfPath(PathIn(directory)) != base::PathKind::kAbsent;
}

bool UnfinishedComparison::IsIn(const std::string& directory,
                                const Json& plan) {
  if (!IsKeptIn(directory)) return false;
  const Result<Json> document = ReadDocument(PathIn(directory));
  return document && (*document)["plan"] == plan;
}

void UnfinishedComparison::RemoveFrom(const std::string& directory) {
  std::error_code ignored;
  std::filesystem::remove(PathIn(directory), ignored);
}

void UnfinishedComparison::RemoveScratch(const std::string& directory,
                                         const std::string& but) {
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename();
    if (name != kName && name != but &&
        !name.starts_with(verify::kKeptPrefix)) {
      std::filesystem::remove_all(entry.path(), ignored);
    }
  }
}

int64_t UnfinishedComparison::num_kept_prompts() const {
  int64_t num_prompts = 0;
  for (const RoundFinding& round : rounds_) num_prompts += round.num_prompts;
  return num_prompts;
}

bool UnfinishedComparison::HasAnswers(const std::string& directory) {
  std::error_code ignored;
  const std::filesystem::directory_iterator entries(directory, ignored);
  return std::ranges::any_of(entries, [](const auto& entry) {
    return entry.path().filename().string().starts_with(verify::kKeptPrefix);
  });
}

size_t UnfinishedComparison::num_kept_pairs() const {
  if (!earlier_) return 0;
  return static_cast<size_t>(std::ranges::count_if(
      earlier_->pairs,
      [](const PairComparison& pair) { return pair.weights.has_value(); }));
}

bool UnfinishedComparison::TakeWeights(size_t pair_idx,
                                       std::pair<size_t, size_t> models,
                                       Comparison& comparison) const {
  if (!earlier_ || !earlier_->pairs[pair_idx].weights) return false;
  comparison.pairs[pair_idx].weights = earlier_->pairs[pair_idx].weights;
  for (const size_t model : {models.first, models.second}) {
    comparison.models[model].tensor_root = earlier_->models[model].tensor_root;
  }
  return true;
}

std::optional<size_t> UnfinishedComparison::NextRoundSize() const {
  if (num_taken_ == rounds_.size()) return std::nullopt;
  return static_cast<size_t>(rounds_[num_taken_].num_prompts);
}

const RoundFinding* UnfinishedComparison::TakeRound(
    const std::string& prompts_sha256) {
  if (num_taken_ == rounds_.size()) return nullptr;
  if (rounds_[num_taken_].prompts_sha256 == prompts_sha256) {
    return &rounds_[num_taken_++];
  }
  rounds_.erase(rounds_.begin() + static_cast<std::ptrdiff_t>(num_taken_),
                rounds_.end());
  return nullptr;
}

const RoundFinding& UnfinishedComparison::AddRound(RoundFinding round) {
  num_taken_ = rounds_.size() + 1;
  return rounds_.emplace_back(std::move(round));
}

Status UnfinishedComparison::Keep(const Comparison& comparison) {
  const auto now = base::SystemClock().Monotonic();
  return now - saved_at_ < kBetweenSaves ? Status() : Save(comparison);
}

Status UnfinishedComparison::Save(const Comparison& comparison) {
  Json rounds = Json::array();
  for (const RoundFinding& round : rounds_) {
    rounds.push_back(verify::ToJson(DocumentOf(round)));
  }
  const Json document = {{"schema", kSchema},
                         {"plan", plan_},
                         {"comparison", verify::ComparisonToJson(comparison)},
                         {"rounds", std::move(rounds)}};
  REVLM_TRY(base::WriteFileAtomically(
      PathIn(directory_),
      document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"));
  is_saved_ = true;
  saved_at_ = base::SystemClock().Monotonic();
  return {};
}

}  // namespace revlm
