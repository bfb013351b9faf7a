// The tables `KernelTable` chooses from. Constants: reading one runs no code,
// so a machine that cannot run a table can still link it.
#pragma once

#include "engine/kernels.h"

namespace revlm::engine {

extern constinit const Kernels kBaselineKernels;
#if defined(__x86_64__)
extern constinit const Kernels kAvx512Kernels;
extern constinit const Kernels kAvx2Kernels;
#endif

}  // namespace revlm::engine
