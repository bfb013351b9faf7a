#include "revlm/status.h"

#include "base/file.h"
#include "run/status.h"

namespace revlm {

Result<RunStatus> ReadRunStatus(const StatusOptions& options) {
  std::string path = options.run;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const bool is_here = base::KindOfPath(path) == base::PathKind::kDirectory;
  if (path != "latest" || is_here) return run::ReadStatus(path);
  const std::string link = options.runs_dir + "/latest";
  const auto leads_to = base::CanonicalPath(link);
  if (!leads_to) {
    return base::MakeError(ErrorCode::kNotFound,
                           "looking at the latest run: there is no {}; name a "
                           "run's directory",
                           link);
  }
  return run::ReadStatus(options.runs_dir +
                         leads_to->substr(leads_to->rfind('/')));
}

}  // namespace revlm
