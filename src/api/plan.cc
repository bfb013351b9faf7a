#include "revlm/plan.h"

#include <algorithm>

#include "run/plan.h"
#include "run/preparation.h"

namespace revlm {

Result<PlanReport> Plan(const RunOptions& options) {
  REVLM_ASSIGN_OR_RETURN(const run::Preparation prepared,
                         run::Prepare(options));
  PlanReport report = {
      .limit_bytes = prepared.limit_bytes,
      .limit_notice = prepared.limit_notice,
      .floor_bytes = prepared.floor_bytes,
      .num_prompts = static_cast<int64_t>(prepared.prompts.size()),
      .mode = std::string(run::ModeName(options.mode)),
      .num_operations = prepared.num_operations(),
      .max_models_at_once = prepared.max_models_at_once};
  for (const run::ModelWork& work : prepared.work) {
    REVLM_ASSIGN_OR_RETURN(const engine::RunPlan plan,
                           work.model.engine->Plan(run::RequestsOf(work)));
    const engine::MemoryUse& use = plan.use;
    report.peak_bytes =
        std::max(report.peak_bytes, prepared.PeakBytes(use.peak_bytes()));
    report.seconds += plan.seconds;
    const engine::MemoryNeed need = work.model.engine->memory_need();
    report.models.push_back(
        {.alias = work.model.alias,
         .compute = work.model.numerics.compute,
         .weight_bytes = need.weight_bytes,
         .pass_bytes = need.pass_bytes,
         .program_bytes = prepared.program_bytes,
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
  return report;
}

}  // namespace revlm
