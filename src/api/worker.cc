#include "revlm/worker.h"

#include <dlfcn.h>
#include <link.h>

#include "base/child_process.h"
#include "base/file.h"
#include "memory/process_memory.h"
#include "run/worker_service.h"

namespace revlm {

std::string FindWorkerProgram() {
  Dl_info info = {};
  void* map = nullptr;
  if (dladdr1(reinterpret_cast<void*>(&FindWorkerProgram), &info, &map,
              RTLD_DL_LINKMAP) == 0 ||
      map == nullptr) {
    return "";
  }
  const std::string name = static_cast<const link_map*>(map)->l_name;
  const auto file = base::CanonicalPath(name.empty() ? "/proc/self/exe" : name);
  if (!file) return "";
  const std::string folder = file->substr(0, file->rfind('/') + 1);
  for (const std::string& place : {folder, folder + REVLM_INSTALLED_WORKERS}) {
    const auto program = base::CanonicalPath(place + "revlm-worker");
    if (program && base::KindOfPath(*program) == base::PathKind::kFile) {
      return *program;
    }
  }
  return "";
}

Status ServeWorker() {
  base::DieWithParent();
  memory::TuneHeap();
  memory::LiftFence();
  const Status served =
      run::ServeModel(base::Descriptor(base::ChildProcess::kInheritedFd), {});
  // The run is over.
  if (served.error().code == ErrorCode::kUnavailable) return {};
  return served;
}

}  // namespace revlm
