#include "engine/memory_plan.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/file.h"
#include "engine/kv_blocks.h"
#include "engine/machine.h"
#include "engine/plan_cost.h"
#include "engine/small_tensors.h"

namespace revlm::engine {
namespace {

constexpr uint64_t kLargestSlab = 32 << 20;
constexpr int kRingSlots = 4;
constexpr int kFewestSlots = 2;
constexpr double kAnySeconds = std::numeric_limits<double>::infinity();
constexpr double kSameTime = 1.005;  // plans that count as equally fast

// A way to cut the work that memory allows or not.
struct Choice {
  uint64_t slab_bytes = 0;
  int num_slots = kRingSlots;
  int64_t max_rows = 0;
  uint64_t kv_bytes = 0;
  uint64_t result_bytes = 0;
  bool spills = false;
};

using SharedGroups = std::shared_ptr<const std::vector<GroupShape>>;

class Planner {
 public:
  explicit Planner(const PlanInput& input) : input_(input) {
    for (const RequestShape& request : input.requests) {
      longest_prompt_ = std::max(longest_prompt_, request.prompt_tokens);
      longest_ = std::max(longest_, request.max_length());
      total_rows_ += request.prompt_tokens;
      total_results_ += request.result_bytes;
      largest_result_ = std::max(largest_result_, request.result_bytes);
      if (request.new_tokens == 0) continue;
      ++num_generating_;
      const uint64_t kv = input.kv_pages.SequenceBytes(request.max_length());
      total_kv_ += kv * num_layers();
      largest_kv_ = std::max(largest_kv_, kv);
    }
    min_slab_ = MinSlabBytes(input.spec, input.checkpoint);
    products_ = ProductsOf();
    small_bytes_ = SmallTensors::MemoryBytes(input.spec, input.checkpoint);
  }

  // The tightest plan there is.
  Choice Tightest() const {
    return {.slab_bytes = min_slab_,
            .num_slots = kFewestSlots,
            .max_rows = longest_prompt_,
            .kv_bytes = largest_kv_ * num_layers(),
            .result_bytes = largest_result_,
            .spills = false};
  }

  // Everything but pins and the time. `groups` are those of the choice.
  Plan Make(const Choice& choice, SharedGroups groups);
  // Null when all ways to go through them take more than `most_seconds`.
  SharedGroups GroupsOf(const Choice& choice, double most_seconds) const;
  // Pins what fits and predicts the time; of one that takes more than
  // `most_seconds`, only that it does. False when it does not fit.
  bool Complete(uint64_t budget_bytes, double most_seconds, Plan& plan) const;
  uint64_t Floor();
  uint64_t SpilledBytes(const Plan& plan) const;
  // Ways to group, and ways to hold the weights for one of them.
  std::vector<Choice> Groupings(uint64_t budget_bytes) const;
  std::vector<Choice> Choices(const Choice& grouping) const;

 private:
  uint64_t num_layers() const {
    return static_cast<uint64_t>(input_.spec.num_layers);
  }
  std::shared_ptr<const SlabPlan> SlabsOf(uint64_t slab_bytes);
  std::vector<ProductLimits> ProductsOf();
  void CountMemory(Plan& plan) const;
  void Pin(uint64_t free_bytes, Plan& plan) const;
  void PinLate(Plan& plan) const;

  const PlanInput& input_;
  int64_t longest_prompt_ = 1;
  int64_t longest_ = 1;
  int64_t total_rows_ = 0;
  int64_t num_generating_ = 0;
  uint64_t total_results_ = 0, largest_result_ = 0;
  uint64_t total_kv_ = 0, largest_kv_ = 0;  // all layers of all; a layer of one
  uint64_t min_slab_ = 0, small_bytes_ = 0;
  std::vector<ProductLimits> products_;  // but the number of rows
  std::map<uint64_t, std::shared_ptr<const SlabPlan>> slab_plans_;
};

std::shared_ptr<const SlabPlan> Planner::SlabsOf(uint64_t slab_bytes) {
  std::shared_ptr<const SlabPlan>& plan = slab_plans_[slab_bytes];
  if (plan == nullptr) {
    plan = std::make_shared<const SlabPlan>(
        PlanSlabs(input_.spec, input_.checkpoint, slab_bytes));
  }
  return plan;
}

SharedGroups Planner::GroupsOf(const Choice& choice,
                               double most_seconds) const {
  auto groups = std::make_shared<const std::vector<GroupShape>>(
      MakeGroups(input_.requests,
                 {.max_requests = input_.batch_size,
                  .max_rows = choice.max_rows,
                  .kv_bytes = choice.kv_bytes,
                  .result_bytes = choice.result_bytes,
                  .spills = choice.spills,
                  .max_groups = most_seconds / kPassSeconds},
                 input_.kv_pages, input_.spec.num_layers));
  const bool are_too_many = groups->empty() && !input_.requests.empty();
  return are_too_many ? nullptr : groups;
}

Plan Planner::Make(const Choice& choice, SharedGroups groups) {
  Plan plan;
  plan.groups = std::move(groups);
  plan.slabs = SlabsOf(choice.slab_bytes);
  plan.spills = choice.spills;
  plan.num_slots = choice.num_slots;
  PassLimits& limits = plan.pass_limits;
  MemoryUse& use = plan.use;
  uint64_t kv_bytes = 0;
  for (const GroupShape& group : *plan.groups) {
    for (const PassShape& pass : group.prompt_passes) {
      limits.num_rows = std::max(limits.num_rows, pass.num_rows);
      limits.num_head_rows = std::max(limits.num_head_rows, pass.num_head_rows);
      limits.kv_scratch_bytes =
          std::max(limits.kv_scratch_bytes, pass.kv_scratch_bytes);
    }
    limits.num_rows = std::max(limits.num_rows, group.num_generating);
    limits.num_head_rows = std::max(limits.num_head_rows, group.num_generating);
    use.result_bytes = std::max(use.result_bytes, group.result_bytes);
    kv_bytes = std::max(kv_bytes, group.layer_kv_bytes * num_layers());
  }
  use.kv_bytes = choice.spills ? 0 : kv_bytes;
  use.slab_bytes = plan.slabs->slab_bytes;
  // A block of spilled keys and values takes a slot, too.
  if (choice.spills) use.slab_bytes = std::max(use.slab_bytes, largest_kv_);
  plan.pinned.assign(plan.slabs->slabs.size(), false);
  plan.decode.late_pinned = plan.pinned;
  CountMemory(plan);
  return plan;
}

std::vector<ProductLimits> Planner::ProductsOf() {
  const ModelSpec& spec = input_.spec;
  bool converts = false;
  for (const Slab& slab : SlabsOf(min_slab_)->slabs) {
    for (const SlabPart& part : slab.parts) {
      converts |= WeightType(input_.checkpoint.tensor(part.tensor_idx)) !=
                  input_.matmul.operand();
    }
  }
  const LayerTensors& layer = spec.layers.front();  // all are alike
  int64_t qkv_outputs = 0;
  for (const LinearTensors& linear : layer.qkv) {
    // Each begins a tile of its own.
    qkv_outputs +=
        (linear.out_features + kColumnTile - 1) / kColumnTile * kColumnTile;
  }
  if (layer.qkv.size() == 1) qkv_outputs = layer.qkv.front().out_features;
  const auto product = [&](int64_t num_outputs, int64_t num_inputs) {
    return ProductLimits{.num_outputs = num_outputs,
                         .num_inputs = num_inputs,
                         .layout = spec.family->layout,
                         .converts = converts};
  };
  std::vector<ProductLimits> products = {
      product(qkv_outputs, spec.hidden_size),
      product(spec.hidden_size, spec.attention_width()),
      product(spec.intermediate_size, spec.hidden_size),
      product(spec.hidden_size, spec.intermediate_size),
      product(std::min(spec.vocab_size, kHeadColumns), spec.hidden_size)};
  products[2].pairs = layer.mlp_inputs.size() > 1;
  products[4].layout = WeightLayout::kOutIn;  // the embedding's
  return products;
}

// Everything but the ring and pins.
void Planner::CountMemory(Plan& plan) const {
  const ModelSpec& spec = input_.spec;
  MemoryUse& use = plan.use;
  use.activation_bytes =
      Activations::Lay(spec, input_.matmul, plan.pass_limits, nullptr, nullptr);
  use.scratch_bytes =
      small_bytes_ + Machine::ScratchBytes(spec, longest_) *
                         static_cast<uint64_t>(input_.num_threads);
  plan.products = products_;
  for (ProductLimits& product : plan.products) {
    product.num_rows = std::min(plan.pass_limits.num_rows, kChunkRows);
  }
  // Per row of a pass: what it is and where it goes, in vectors.
  constexpr int64_t kRowHeap = 64;
  use.heap_bytes = input_.matmul.HeapBytes(plan.products) +
                   static_cast<uint64_t>(plan.pass_limits.num_rows * kRowHeap);
}

// Marks `count` slabs spread evenly, so that the disk always has something to
// read, and returns what they take.
uint64_t Spread(const std::vector<uint64_t>& slab_bytes, size_t count,
                std::vector<bool>* pinned) {
  uint64_t bytes = 0;
  size_t sum = 0;
  for (size_t i = 0; i < slab_bytes.size(); ++i) {
    sum += count;
    const bool is_pinned = sum >= slab_bytes.size();
    if (is_pinned) {
      sum -= slab_bytes.size();
      bytes += slab_bytes[i];
    }
    if (pinned != nullptr) (*pinned)[i] = is_pinned;
  }
  return bytes;
}

// How many slabs, spread evenly, fit.
size_t MostThatFit(const std::vector<uint64_t>& slab_bytes,
                   uint64_t free_bytes) {
  size_t low = 0;
  size_t high = slab_bytes.size();
  while (low < high) {
    const size_t middle = (low + high + 1) / 2;
    if (Spread(slab_bytes, middle, nullptr) <= free_bytes) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

void Planner::Pin(uint64_t free_bytes, Plan& plan) const {
  const std::vector<uint64_t>& slab_bytes = plan.slabs->bytes;
  plan.use.pinned_bytes =
      Spread(slab_bytes, MostThatFit(slab_bytes, free_bytes), &plan.pinned);
}

// Of the slabs that are streamed, as many as the memory of the prompts' rows
// holds beside those of decoding.
void Planner::PinLate(Plan& plan) const {
  if (plan.groups->empty() || plan.groups->back().num_decode_passes == 0)
    return;
  DecodePlan& decode = plan.decode;
  const int64_t num_rows = plan.groups->back().num_generating;
  decode.limits = {.num_rows = num_rows, .num_head_rows = num_rows};
  decode.rows_bytes =
      base::AlignUp(Activations::Lay(input_.spec, input_.matmul, decode.limits,
                                     nullptr, nullptr),
                    base::kMaxDirectAlignment);
  if (decode.rows_bytes >= plan.use.activation_bytes) return;
  std::vector<size_t> streamed;
  std::vector<uint64_t> streamed_bytes;
  for (size_t i = 0; i < plan.pinned.size(); ++i) {
    if (plan.pinned[i]) continue;
    streamed.push_back(i);
    streamed_bytes.push_back(plan.slabs->bytes[i]);
  }
  const size_t count = MostThatFit(
      streamed_bytes, plan.use.activation_bytes - decode.rows_bytes);
  std::vector<bool> pinned(streamed.size());
  decode.late_pinned_bytes = Spread(streamed_bytes, count, &pinned);
  for (size_t i = 0; i < streamed.size(); ++i) {
    decode.late_pinned[streamed[i]] = pinned[i];
  }
}

bool Planner::Complete(uint64_t budget_bytes, double most_seconds,
                       Plan& plan) const {
  MemoryUse& use = plan.use;
  const uint64_t all_bytes = plan.slabs->layer_bytes + plan.slabs->head_bytes;
  if (!plan.spills && input_.keep_weights) {
    use.pinned_bytes = all_bytes;  // then there is no ring
    if (use.peak_bytes() <= budget_bytes) {
      plan.num_slots = 0;
      plan.pinned.assign(plan.pinned.size(), true);
      Predict(input_, most_seconds, plan);
      return true;
    }
    use.pinned_bytes = 0;
  }
  use.ring_bytes = use.slab_bytes * static_cast<uint64_t>(plan.num_slots);
  const uint64_t peak = use.peak_bytes();
  if (peak > budget_bytes) return false;
  if (input_.keep_weights) {
    Pin(budget_bytes - peak, plan);
    PinLate(plan);
  }
  Predict(input_, most_seconds, plan);
  return true;
}

uint64_t Planner::Floor() {
  Plan resident = Make(Tightest(), GroupsOf(Tightest(), kAnySeconds));
  Plan streamed = resident;
  resident.use.pinned_bytes =
      resident.slabs->layer_bytes + resident.slabs->head_bytes;
  streamed.use.ring_bytes =
      streamed.use.slab_bytes * static_cast<uint64_t>(streamed.num_slots);
  if (!input_.keep_weights) return streamed.use.peak_bytes();
  return std::min(resident.use.peak_bytes(), streamed.use.peak_bytes());
}

// What its groups take on disk, one after the other.
uint64_t Planner::SpilledBytes(const Plan& plan) const {
  uint64_t bytes = 0;
  for (const GroupShape& group : *plan.groups) {
    const std::vector<KvBlock> blocks = MakeKvBlocks(
        group, input_.requests.subspan(group.begin, group.end - group.begin),
        input_.kv_pages, plan.use.slab_bytes);
    bytes = std::max(bytes, LayerBytes(blocks) * num_layers());
  }
  return bytes;
}

// Ways worth comparing: rows and keys and values for everything and for halves
// of it.
std::vector<Choice> Planner::Groupings(uint64_t budget_bytes) const {
  std::vector<int64_t> rows;
  for (int64_t n = std::max({total_rows_, longest_prompt_, num_generating_});
       n > longest_prompt_; n /= 2) {
    // More rows than this make no pass faster.
    if (n <= 16384) rows.push_back(n);
  }
  rows.push_back(longest_prompt_);
  const uint64_t results =
      std::max(largest_result_, std::min(total_results_, budget_bytes / 4));
  std::vector<Choice> groupings;
  for (const int64_t max_rows : rows) {
    Choice choice = {.max_rows = max_rows, .result_bytes = results};
    if (num_generating_ == 0) {
      groupings.push_back(choice);
      continue;
    }
    for (choice.kv_bytes = total_kv_;
         choice.kv_bytes > largest_kv_ * num_layers(); choice.kv_bytes /= 2) {
      groupings.push_back(choice);
    }
    choice.kv_bytes = largest_kv_ * num_layers();
    groupings.push_back(choice);
    if (!input_.can_spill || num_generating_ < 2) continue;
    choice.spills = true;
    groupings.push_back(choice);
  }
  return groupings;
}

// Slabs from the largest to the least.
std::vector<Choice> Planner::Choices(const Choice& grouping) const {
  std::vector<Choice> choices;
  Choice choice = grouping;
  choice.num_slots = kRingSlots;
  for (choice.slab_bytes = kLargestSlab; choice.slab_bytes > min_slab_;
       choice.slab_bytes /= 2) {
    choices.push_back(choice);
  }
  choice.slab_bytes = min_slab_;
  choices.push_back(choice);
  choice.num_slots = kFewestSlots;
  choices.push_back(choice);
  return choices;
}

// The most rows that a pass of these has, or that decode together.
int64_t MostRows(const std::vector<GroupShape>& groups) {
  int64_t most = 0;
  for (const GroupShape& group : groups) {
    most = std::max(most, group.num_generating);
    for (const PassShape& pass : group.prompt_passes) {
      most = std::max(most, pass.num_rows);
    }
  }
  return most;
}

// Of plans that are predicted to be equally fast, the one with the least of
// this is taken: first one that needs nothing of the disk once it runs, since
// that may turn out slower than measured; then one that writes nothing; then
// one with a deep ring; then the smallest.
using Dislike = std::tuple<bool, bool, bool, uint64_t>;

Dislike DislikeOf(const Plan& plan) {
  return {plan.num_slots > 0, plan.spills, Shallowness(plan) > 0.1,
          plan.use.peak_bytes()};
}

// What is kept of a plan that fits: plans of many prompts are large.
struct Candidate {
  Choice choice;
  double seconds = 0;
  Dislike dislike;
};

}  // namespace

uint64_t FloorBytes(const PlanInput& input) { return Planner(input).Floor(); }

Result<Plan> MakePlan(const PlanInput& input, uint64_t budget_bytes) {
  Planner planner(input);
  const uint64_t floor_bytes = planner.Floor();
  if (budget_bytes < floor_bytes) {
    return base::MakeError(
        ErrorCode::kBudgetExceeded,
        "running {}: {} bytes of memory are left for the model, the least it "
        "can do with are {}; allow more memory or use shorter prompts",
        input.checkpoint.path(), budget_bytes, floor_bytes);
  }
  std::vector<Candidate> candidates;
  double fewest_seconds = kAnySeconds;
  const auto compare = [&](const Choice& choice, const SharedGroups& groups) {
    Plan plan = planner.Make(choice, groups);
    if (!planner.Complete(budget_bytes, fewest_seconds * kSameTime, plan)) {
      return;
    }
    fewest_seconds = std::min(fewest_seconds, plan.seconds);
    candidates.push_back({choice, plan.seconds, DislikeOf(plan)});
  };
  // By keys and values: fewer rows than this give other groups.
  std::map<std::pair<uint64_t, bool>, int64_t> most_rows;
  for (const Choice& grouping : planner.Groupings(budget_bytes)) {
    int64_t& most =
        most_rows.try_emplace({grouping.kv_bytes, grouping.spills}, INT64_MAX)
            .first->second;
    if (grouping.max_rows >= most) continue;
    const SharedGroups groups =
        planner.GroupsOf(grouping, fewest_seconds * kSameTime);
    if (groups == nullptr) continue;
    most = MostRows(*groups);
    for (const Choice& choice : planner.Choices(grouping)) {
      compare(choice, groups);
    }
  }
  // It fits the floor.
  const SharedGroups tightest =
      planner.GroupsOf(planner.Tightest(), fewest_seconds * kSameTime);
  if (tightest != nullptr) compare(planner.Tightest(), tightest);
  REVLM_CHECK(!candidates.empty());
  std::erase_if(candidates, [&](const Candidate& candidate) {
    return candidate.seconds > fewest_seconds * kSameTime;
  });
  const Choice& choice =
      std::ranges::min_element(candidates, {}, &Candidate::dislike)->choice;
  Plan best = planner.Make(choice, planner.GroupsOf(choice, kAnySeconds));
  REVLM_CHECK(planner.Complete(budget_bytes, kAnySeconds, best));
  best.floor_bytes = floor_bytes;
  if (best.spills) best.use.spilled_bytes = planner.SpilledBytes(best);
  return best;
}

}  // namespace revlm::engine
