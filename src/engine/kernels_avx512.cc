// For machines with AVX-512 F, BW, DQ and VL.
#include "engine/kernels_impl.inc"

namespace revlm::engine {

constinit const Kernels kAvx512Kernels = MakeTable("avx512");

}  // namespace revlm::engine
