#include "engine/kernels.h"

#include <array>

#include "base/check.h"
#include "engine/kernels_tables.h"

namespace revlm::engine {
namespace {

struct Tables {
  std::array<const Kernels*, 3> table = {};
  int num = 0;
};

// The compiler's own test of processor and operating system: a set counts only
// when the system saves its registers.
Tables FindTables() {
  Tables tables;
  const auto add = [&](const Kernels& table) {
    tables.table[static_cast<size_t>(tables.num++)] = &table;
  };
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool has_avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (has_avx2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    add(kAvx512Kernels);
  }
  if (has_avx2) add(kAvx2Kernels);
#endif
  add(kBaselineKernels);
  return tables;
}

const Tables& AllTables() {
  static const Tables tables = FindTables();
  return tables;
}

}  // namespace

const Kernels& BestKernels() { return KernelTable(0); }

int NumKernelTables() { return AllTables().num; }

const Kernels& KernelTable(int idx) {
  REVLM_CHECK(idx >= 0 && idx < NumKernelTables());
  return *AllTables().table[static_cast<size_t>(idx)];
}

}  // namespace revlm::engine
