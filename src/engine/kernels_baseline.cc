// For any machine the compiler targets.
#include "engine/kernels_impl.inc"

namespace revlm::engine {

constinit const Kernels kBaselineKernels = MakeTable("baseline");

}  // namespace revlm::engine
