#include "revlm/plan.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "revlm/worker.h"
#include "run/describe.h"
#include "run/plan.h"
#include "run/preparation.h"
#include "sched/at_once.h"

namespace revlm {

Result<PlanReport> Plan(const RunOptions& options) {
  if (options.worker_program.empty()) {
    RunOptions found = options;
    found.worker_program = FindWorkerProgram();
    if (!found.worker_program.empty()) return Plan(found);
  }
  REVLM_ASSIGN_OR_RETURN(run::Preparation prepared, run::Prepare(options));
  PlanReport report = {
      .limit_bytes = prepared.limit_bytes,
      .limit_notice = prepared.limit_notice,
      .floor_bytes = prepared.floor_bytes,
      .num_prompts = static_cast<int64_t>(prepared.prompts.size()),
      .mode = std::string(run::ModeName(options.mode)),
      .num_operations = prepared.num_operations(),
      .max_models_at_once = prepared.max_models_at_once,
      .num_workers = prepared.num_workers};
  for (const sched::AtOnce& choice : prepared.choices) {
    report.at_once.push_back({choice.num_models, choice.seconds});
  }
  // Only the model that runs first has its worker still. Another one's beside
  // it would be more than was planned.
  if (prepared.order.front() != 0) {
    prepared.work[prepared.order.front()].worker.reset();
  }
  std::vector<uint64_t> peaks;
  std::vector<sched::ModelTime> times(prepared.work.size());
  for (run::ModelWork& work : prepared.work) {
    if (work.cannot_open) return std::unexpected(*work.cannot_open);
    REVLM_ASSIGN_OR_RETURN(const engine::RunPlan plan,
                           run::PlanModel(prepared, work));
    const engine::MemoryUse& use = plan.use;
    peaks.push_back(work.PeakBytes(use.peak_bytes()));
    times[static_cast<size_t>(&work - prepared.work.data())] = {
        plan.seconds, plan.read_seconds};
    const engine::MemoryNeed& need = work.description.need;
    report.models.push_back(
        {.alias = work.alias(),
         .compute = work.description.summary.compute,
         .weight_bytes = need.weight_bytes,
         .pass_bytes = need.pass_bytes,
         .program_bytes = prepared.program_bytes + work.worker_bytes,
         .slab_bytes = use.slab_bytes,
         .ring_bytes = use.ring_bytes,
         .pinned_bytes = use.pinned_bytes,
         .activation_bytes = use.activation_bytes,
         .kv_bytes = use.kv_bytes,
         .spilled_bytes = use.spilled_bytes,
         .scratch_bytes = use.scratch_bytes + use.heap_bytes,
         .result_bytes = use.result_bytes,
         .num_slabs = plan.num_slabs,
         .num_pinned_slabs = plan.num_pinned_slabs,
         .rows_per_pass = plan.rows_per_pass,
         .sequences_per_group = plan.sequences_per_group,
         .num_groups = plan.num_groups,
         .num_passes = plan.num_passes,
         .seconds = plan.seconds,
         .read_bytes_per_second = plan.read_bytes_per_second,
         .flops_per_second = plan.flops_per_second});
  }
  std::vector<sched::ModelTime> in_order;
  for (const size_t i : prepared.order) in_order.push_back(times[i]);
  report.seconds = sched::SecondsAtOnce(in_order, prepared.num_workers);
  // Whichever are together.
  std::ranges::sort(peaks, std::greater());
  peaks.resize(
      std::min(peaks.size(), static_cast<size_t>(prepared.num_workers)));
  report.peak_bytes =
      std::accumulate(peaks.begin(), peaks.end(), prepared.program_bytes);
  return report;
}

}  // namespace revlm
