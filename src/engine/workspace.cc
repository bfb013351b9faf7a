#include "engine/workspace.h"

#include <utility>

namespace revlm::engine {
namespace {

enum RegionIdx : size_t { kRing, kPinned, kRows, kKeysValues, kScratch };

std::vector<memory::Region> Regions(const MemoryUse& use) {
  return {{memory::Use::kSlabs, use.ring_bytes},
          {memory::Use::kWeights, use.pinned_bytes},
          {memory::Use::kActivations, use.activation_bytes},
          {memory::Use::kKeysValues, use.kv_bytes},
          {memory::Use::kScratch, use.scratch_bytes}};
}

}  // namespace

uint64_t MemoryUse::peak_bytes() const {
  return memory::Arena::MappedBytes(Regions(*this)) + heap_bytes + result_bytes;
}

Result<std::unique_ptr<Workspace>> Workspace::Create(
    Plan plan, Machine& machine, memory::Budget& budget, WeightHasher* hasher,
    const std::string& spill_directory) {
  const MemoryUse& use = plan.use;
  REVLM_ASSIGN_OR_RETURN(memory::Reservation heap,
                         budget.Reserve(use.heap_bytes, memory::Use::kScratch));
  REVLM_ASSIGN_OR_RETURN(
      memory::Reservation results,
      budget.Reserve(use.result_bytes, memory::Use::kResults));
  REVLM_ASSIGN_OR_RETURN(memory::Arena arena,
                         memory::Arena::Map(budget, Regions(use)));
  std::unique_ptr<Workspace> workspace(
      new Workspace(std::move(plan), std::move(arena)));
  Workspace& self = *workspace;
  self.heap_ = std::move(heap);
  self.results_ = std::move(results);
  if (self.plan_.spills) {
    REVLM_ASSIGN_OR_RETURN(
        self.spill_, base::ScratchFile::Create(spill_directory,
                                               self.plan_.use.spilled_bytes));
  }
  const std::span<std::byte> scratch = self.arena_.region(kScratch);
  const size_t small_bytes =
      SmallTensors::MemoryBytes(machine.spec, machine.checkpoint);
  REVLM_TRY(self.small_.Load(machine.spec, machine.checkpoint, machine.kernels,
                             scratch.first(small_bytes)));
  machine.matmul.Reserve(self.plan_.products);
  machine.small = &self.small_;
  machine.thread_scratch = scratch.subspan(small_bytes);
  self.OpenStream(machine, hasher);
  self.passes_ = std::make_unique<PassRunner>(
      machine, *self.plan_.slabs, *self.stream_, self.plan_.num_slots,
      self.plan_.pass_limits, self.arena_.region(kRows));
  return workspace;
}

void Workspace::OpenStream(const Machine& machine, WeightHasher* hasher) {
  std::vector<const base::File*> files;
  for (uint32_t i = 0; i < machine.checkpoint.num_files(); ++i) {
    files.push_back(&machine.checkpoint.file(i));
  }
  SlabStream::Options options = {.ring = arena_.region(kRing),
                                 .num_slots = plan_.num_slots};
  if (spill_) options.scratch = &*spill_;
  std::byte* pinned = arena_.region(kPinned).data();
  std::vector<std::vector<SlabPart>> parts;
  for (size_t i = 0; i < plan_.slabs->slabs.size(); ++i) {
    const Slab& slab = plan_.slabs->slabs[i];
    options.pinned.push_back(plan_.pinned[i] ? pinned : nullptr);
    if (plan_.pinned[i]) pinned += plan_.slabs->bytes[i];
    parts.push_back(slab.parts);
  }
  if (hasher != nullptr) {
    options.on_first_read = [this, hasher](const SlabView& view) {
      hasher->Observe(
          plan_.slabs->slabs[static_cast<size_t>(view.slab_idx())].parts, view);
    };
  }
  stream_ = std::make_unique<SlabStream>(std::move(files), std::move(parts),
                                         std::move(options));
}

void Workspace::BeginLastDecoding() {
  const DecodePlan& decode = plan_.decode;
  if (decode.late_pinned_bytes == 0) return;
  const std::span<std::byte> rows = arena_.region(kRows);
  passes_->LayRows(decode.limits);
  std::byte* memory = rows.data() + decode.rows_bytes;
  for (size_t i = 0; i < decode.late_pinned.size(); ++i) {
    if (!decode.late_pinned[i]) continue;
    stream_->Pin(static_cast<int32_t>(i), memory);
    memory += plan_.slabs->bytes[i];
  }
}

KvStore Workspace::StoreOf(const GroupShape& group,
                           std::span<const RequestShape> requests,
                           const KvPages& pages) const {
  if (!plan_.spills) {
    return {.layer_bytes = group.layer_kv_bytes,
            .memory = arena_.region(kKeysValues).data()};
  }
  KvStore store = {
      .blocks = MakeKvBlocks(group, requests, pages, plan_.use.slab_bytes)};
  store.layer_bytes = LayerBytes(store.blocks);
  return store;
}

}  // namespace revlm::engine
