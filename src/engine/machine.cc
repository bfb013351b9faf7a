#include "engine/machine.h"

#include <algorithm>

#include "engine/activations.h"
#include "engine/row_table.h"

namespace revlm::engine {

uint64_t Machine::ScratchBytes(const ModelSpec& spec, int64_t longest) {
  const int64_t attention =
      kAttentionRows * longest + kAttentionBlock * spec.head_dim;
  const int64_t floats = std::max(attention, spec.hidden_size);
  return base::AlignUp(std::max(static_cast<uint64_t>(floats) * sizeof(float),
                                RowTable::ScratchBytes(spec.hidden_size)),
                       base::kMaxDirectAlignment);
}

void RunNorm(const Machine& machine, const NormTensors& norm, const float* x,
             int64_t n, float* out) {
  const float* weight = machine.small->Find(norm.weight);
  if (machine.spec.family->norm == NormKind::kRms) {
    machine.kernels.rms_norm(x, weight, machine.spec.norm_eps, n, out);
  } else {
    machine.kernels.layer_norm(x, weight, machine.small->Find(norm.bias),
                               machine.spec.norm_eps, n, out);
  }
}

}  // namespace revlm::engine
