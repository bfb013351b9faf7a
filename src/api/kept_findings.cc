#include "api/kept_findings.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/wire.h"
#include "revlm/prompts.h"
#include "revlm/version.h"
#include "run/model.h"
#include "run/model_description.h"
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
  Json weights = Json::array();
  Json numerics = Json::array();
  for (const OpenedModel& model : models) {
    weights.push_back(
        run::WeightFilesToJson(run::WeightFilesOf(*model.model.checkpoint)));
    numerics.push_back(run::NumericsToJson(model.numerics));
  }
  plan["weights"] = std::move(weights);
  plan["numerics_classes"] = std::move(numerics);
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
    // It, and what is read from it while that grows.
    auto reserved = budget.Reserve(3 * length, memory::Use::kScratch);
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
  constexpr size_t kCountBytes = sizeof(uint64_t);
  size_t num_bytes = 3 * kCountBytes;
  for (const auto& row : round.values) {
    num_bytes += kCountBytes + row.size() * sizeof(verify::PromptDivergence);
  }
  for (const auto& row : round.certainty) {
    num_bytes +=
        kCountBytes + row.size() * sizeof(std::optional<verify::Certainty>);
  }
  for (const PromptFailure& failure : round.failures) {
    num_bytes += sizeof(PromptFailure) + failure.message.size();
  }
  const auto held = budget.Reserve(num_bytes, memory::Use::kScratch);
  if (!held) return {};  // then it is not kept
  std::string bytes;
  bytes.reserve(num_bytes);
  base::WireWriter writer(bytes);
  writer(round);
  return verify::KeepBytes(at, bytes);
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
  return verify::KeepBytes(
      at, json.dump(-1, ' ', false, Json::error_handler_t::replace));
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
  return verify::KeepBytes(at, std::to_string(size));
}

}  // namespace revlm
