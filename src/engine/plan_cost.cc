#include "engine/plan_cost.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace revlm::engine {
namespace {

constexpr double kMemoryBytesPerSecond = 2e10;  // of weights from memory
// A ring that holds little ahead lets the disk wait: up to so much of the time
// to read, and nothing when it holds the lesser of these.
constexpr double kShallowRing = 0.3;
constexpr uint64_t kDeepRingBytes = 64 << 20;
constexpr uint64_t kDeepRingParts = 32;  // of a pass
// Keys and values on disk take longer than as many bytes of weights: what is
// written comes between what is read, in pieces of a row of a block.
constexpr double kSpilledCost = 1.25;
// Rows at which products are half as fast as with many. Fewer threads wait less
// for each other: by the root of their share.
constexpr double kHalfSpeedRows = 16;

// Of one pass or many.
struct Cost {
  double seconds = 0;
  double read_seconds = 0;  // of the disk alone

  void Add(const Cost& other, double times) {
    seconds += times * other.seconds;
    read_seconds += times * other.read_seconds;
  }
};

class CostModel {
 public:
  CostModel(const PlanInput& input, const Plan& plan)
      : input_(input), plan_(plan) {}

  Cost PassCost(int64_t rows, int64_t head_rows, uint64_t pinned_bytes,
                double other_bytes) const;
  Cost DecodeCost(const GroupShape& group) const;
  // What a pass moves of spilled keys and values, as so many bytes of weights.
  double SpilledCost(int64_t num_positions) const {
    if (!plan_.spills) return 0;
    return kSpilledCost *
           static_cast<double>(
               static_cast<uint64_t>(num_positions *
                                     input_.kv_pages.cell_bytes()) *
               static_cast<uint64_t>(input_.spec.num_layers));
  }

 private:
  double ReadSeconds(double bytes) const;

  const PlanInput& input_;
  const Plan& plan_;
};

double CostModel::ReadSeconds(double bytes) const {
  return bytes / input_.rates.read_bytes_per_second *
         (1 + kShallowRing * Shallowness(plan_));
}

Cost CostModel::PassCost(int64_t rows, int64_t head_rows, uint64_t pinned_bytes,
                         double other_bytes) const {
  const ModelSpec& spec = input_.spec;
  const double layer_parameters = static_cast<double>(
      spec.num_layers *
      (spec.hidden_size * (spec.qkv_width() + spec.attention_width()) +
       spec.hidden_size * spec.intermediate_size *
           static_cast<int64_t>(spec.layers.front().mlp_inputs.size() + 1)));
  const double head_parameters =
      static_cast<double>(spec.hidden_size * spec.vocab_size);
  uint64_t streamed = plan_.slabs->layer_bytes;
  if (head_rows > 0) streamed += plan_.slabs->head_bytes;
  const uint64_t held = std::min(streamed, pinned_bytes);
  streamed -= held;
  const double idle_rows = kHalfSpeedRows * std::sqrt(input_.cpu_share);
  const double flops =
      2 * ((static_cast<double>(rows) + idle_rows) * layer_parameters +
           (head_rows == 0 ? 0.0
                           : (static_cast<double>(head_rows) + idle_rows) *
                                 head_parameters));
  const double read_seconds =
      ReadSeconds(static_cast<double>(streamed) + other_bytes);
  const double work_seconds =
      std::max(flops / input_.rates.flops_per_second,
               static_cast<double>(held + streamed) / kMemoryBytesPerSecond);
  return {.seconds = kPassSeconds +
                     std::max(read_seconds, work_seconds / input_.cpu_share),
          .read_seconds = read_seconds};
}

Cost CostModel::DecodeCost(const GroupShape& group) const {
  // What was there before is read, what is new is written.
  const double spilled = SpilledCost(
      (group.kv_positions + group.decode_tokens) / group.num_decode_passes);
  const int64_t rows = group.decode_tokens / group.num_decode_passes;
  const auto pass_cost = [&](uint64_t pinned_bytes) {
    return PassCost(rows, group.num_generating, pinned_bytes, spilled);
  };
  const uint64_t pinned_bytes = plan_.use.pinned_bytes;
  const uint64_t late_bytes =
      &group == &plan_.groups->back() ? plan_.decode.late_pinned_bytes : 0;
  // The first pass reads what is kept from then on, but for the few slabs that
  // are read ahead of it, which come again.
  Cost cost = pass_cost(pinned_bytes);
  cost.Add(pass_cost(pinned_bytes + late_bytes),
           static_cast<double>(group.num_decode_passes - 1));
  return cost;
}

}  // namespace

double Shallowness(const Plan& plan) {
  if (plan.num_slots == 0) return 0;  // everything has its own place
  const uint64_t pass_bytes = plan.slabs->layer_bytes + plan.slabs->head_bytes;
  const uint64_t deep_bytes =
      std::min(kDeepRingBytes, pass_bytes / kDeepRingParts + 1);
  return std::max(0.0, 1 - static_cast<double>(plan.use.ring_bytes) /
                               static_cast<double>(deep_bytes));
}

void Predict(const PlanInput& input, double most_seconds, Plan& plan) {
  const CostModel model(input, plan);
  Cost cost;
  uint64_t unread = plan.use.pinned_bytes;  // pins are read in the first pass
  for (const GroupShape& group : *plan.groups) {
    for (const PassShape& pass : group.prompt_passes) {
      cost.Add(model.PassCost(
                   pass.num_rows, pass.num_head_rows, plan.use.pinned_bytes,
                   model.SpilledCost(pass.num_rows) +
                       static_cast<double>(std::exchange(unread, 0))),
               1);
    }
    if (group.num_decode_passes > 0) cost.Add(model.DecodeCost(group), 1);
    if (cost.seconds > most_seconds) break;
  }
  plan.seconds = cost.seconds;
  plan.read_seconds = cost.read_seconds;
}

}  // namespace revlm::engine
