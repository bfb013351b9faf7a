// For machines with AVX2 and FMA.
#include "engine/kernels_impl.inc"

namespace revlm::engine {

constinit const Kernels kAvx2Kernels = MakeTable("avx2");

}  // namespace revlm::engine
