#include "run/host.h"

#include <sched.h>

#include "base/file.h"
#include "memory/machine_memory.h"
#include "memory/process_memory.h"
#include "revlm/run.h"

namespace revlm::run {
namespace {

std::string CpuName() {
  const std::string cpuinfo =
      base::ReadSystemFile("/proc/cpuinfo").value_or("");
  const size_t name = cpuinfo.find("model name");
  if (name == std::string::npos) return "";
  const size_t value = cpuinfo.find(": ", name);
  const size_t end = cpuinfo.find('\n', name);
  if (value >= end || end == std::string::npos) return "";
  return cpuinfo.substr(value + 2, end - value - 2);
}

}  // namespace

Host DescribeHost() {
  Host host;
  host.cpu = CpuName();
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0) {
    host.num_cpus = CPU_COUNT(&cpus);
  }
  host.memory_bytes = memory::ReadMachineMemory().total_bytes.value_or(0);
  return host;
}

uint64_t PeakMemoryBytes() { return memory::ReadProcessMemory().peak_bytes; }

Result<memory::Limit> ProcessLimit(std::optional<uint64_t> asked_bytes,
                                   bool strict) {
  return memory::EffectiveLimit(asked_bytes.value_or(kDefaultMemoryLimitBytes),
                                strict && asked_bytes.has_value(),
                                memory::ReadProcessMemory().anonymous_bytes,
                                memory::ReadMachineMemory());
}

}  // namespace revlm::run
