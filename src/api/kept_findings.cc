#include "api/kept_findings.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/wire.h"
#include "formats/checkpoint.h"
#include "revlm/prompts.h"
#include "revlm/version.h"
#include "verify/record.h"

namespace revlm {

namespace verify {

template <class Wire>
void Fields(Wire& wire, PromptDivergence& value) {
  wire(value.num_positions, value.nats, value.mirror_nats);
}

template <class Wire>
void Fields(Wire& wire, Certainty& certainty) {
  wire(certainty.mean_entropy_nats, certainty.mean_top_probability);
}

}  // namespace verify

template <class Wire>
void Fields(Wire& wire, PromptFailure& failure) {
  wire(failure.model, failure.prompt_idx, failure.message);
}

template <class Wire>
void Fields(Wire& wire, RoundFinding& round) {
  wire(round.values, round.certainty, round.failures);
}

namespace {

using base::Json;

// Of the weights of a pair, whose tensors are named.
constexpr size_t kMaxWeightsBytes = size_t{64} << 20;
constexpr size_t kMaxSizeDigits = 20;

Status KeepText(const verify::KeptAt& at, const std::string& text) {
  return verify::Keep<char>(at, {{text.begin(), text.end()}});
}

std::optional<std::string> ReadText(const verify::KeptAt& at,
                                    size_t max_bytes) {
  const auto rows = verify::ReadKept<char>(
      at, 1, [&](size_t, size_t length) { return length <= max_bytes; });
  if (!rows) return std::nullopt;
  return std::string(rows->front().begin(), rows->front().end());
}

// Whether a table has a row of `width` for each of `num_rows`.
bool HasSize(const auto& table, size_t num_rows, size_t width) {
  return table.size() == num_rows &&
         std::ranges::all_of(
             table, [&](const auto& row) { return row.size() == width; });
}

bool Fits(const RoundFinding& round, const RoundSizes& sizes) {
  const auto is_in = [&](const PromptFailure& failure) {
    return failure.model >= 0 && failure.prompt_idx >= 0 &&
           static_cast<size_t>(failure.model) < sizes.num_models &&
           static_cast<size_t>(failure.prompt_idx) < sizes.num_prompts;
  };
  return HasSize(round.values, sizes.num_pairs, sizes.num_prompts) &&
         HasSize(round.certainty, sizes.has_certainty ? sizes.num_models : 0,
                 sizes.num_prompts) &&
         std::ranges::all_of(round.failures, is_in);
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

Error TellKept(Error error, ComparisonDirectory& directory) {
  if (directory.unfinished().num_kept() > 0) {
    error.message += "; what was found so far is kept in " + directory.path() +
                     ", and the same command goes on";
  }
  return error;
}

std::string GoesOn(ComparisonDirectory& directory) {
  const size_t num_kept = directory.unfinished().num_kept();
  if (num_kept == 0) return "";
  return fmt::format("going on in {}, where {} result{} kept", directory.path(),
                     num_kept, num_kept == 1 ? " is" : "s are");
}

std::optional<RoundFinding> ReadRound(const verify::KeptAt& at,
                                      const RoundSizes& sizes,
                                      memory::Budget& budget) {
  std::optional<memory::Reservation> held;
  const auto rows = verify::ReadKept<char>(at, 1, [&](size_t, size_t length) {
    auto reserved = budget.Reserve(length, memory::Use::kScratch);
    if (reserved) held.emplace(*std::move(reserved));
    return held.has_value();
  });
  if (!rows) return std::nullopt;
  RoundFinding round;
  base::WireReader reader(
      std::string_view(rows->front().data(), rows->front().size()));
  reader(round);
  if (!reader.IsWhole() || !Fits(round, sizes)) return std::nullopt;
  return round;
}

Status KeepRound(const verify::KeptAt& at, const RoundFinding& round,
                 memory::Budget& budget) {
  uint64_t num_bytes = 0;
  for (const auto& row : round.values) {
    num_bytes += row.size() * sizeof(verify::PromptDivergence);
  }
  for (const auto& row : round.certainty) {
    num_bytes += row.size() * sizeof(std::optional<verify::Certainty>);
  }
  REVLM_ASSIGN_OR_RETURN(const memory::Reservation held,
                         budget.Reserve(2 * num_bytes, memory::Use::kScratch));
  std::string bytes;
  base::WireWriter writer(bytes);
  writer(round);
  return KeepText(at, bytes);
}

std::optional<PairWeights> ReadWeights(const verify::KeptAt& at) {
  const auto text = ReadText(at, kMaxWeightsBytes);
  if (!text) return std::nullopt;
  const auto json = base::ParseJson(*text, at.path);
  if (!json || !json->is_object()) return std::nullopt;
  PairWeights weights;
  for (const auto& [name, root] : {std::pair{"root_a", &weights.root_a},
                                   std::pair{"root_b", &weights.root_b}}) {
    const auto found = base::GetString(*json, name, at.path);
    if (!found || !*found) return std::nullopt;
    *root = **found;
  }
  const Json* member = base::FindMember(*json, "finding");
  if (member == nullptr) return std::nullopt;
  auto finding = verify::WeightFindingFromJson(*member, at.path);
  if (!finding) return std::nullopt;
  weights.finding = *std::move(finding);
  return weights;
}

Status KeepWeights(const verify::KeptAt& at, const PairWeights& weights) {
  const Json json = {{"finding", verify::WeightFindingToJson(weights.finding)},
                     {"root_a", weights.root_a},
                     {"root_b", weights.root_b}};
  return KeepText(at,
                  json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::optional<size_t> ReadRoundSize(const verify::KeptAt& at) {
  const auto text = ReadText(at, kMaxSizeDigits);
  size_t size = 0;
  if (!text ||
      std::from_chars(text->data(), text->data() + text->size(), size).ec !=
          std::errc() ||
      size == 0) {
    return std::nullopt;
  }
  return size;
}

Status KeepRoundSize(const verify::KeptAt& at, size_t size) {
  return KeepText(at, std::to_string(size));
}

}  // namespace revlm
