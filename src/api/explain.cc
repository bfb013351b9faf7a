
#include "api/comparison_directory.h"
#include "api/judge.h"
#include "base/error.h"
#include "base/file.h"
#include "revlm/compare.h"

namespace revlm {
namespace {

std::string DirectoryOf(const ExplainOptions& options) {
  const bool is_latest =
      options.run == "latest" &&
      base::KindOfPath(options.run) != base::PathKind::kDirectory;
  return is_latest ? options.runs_dir + "/latest" : options.run;
}

}  // namespace

Result<Comparison> Explain(const ExplainOptions& options) {
  const std::string path = DirectoryOf(options);
  REVLM_ASSIGN_OR_RETURN(const StoredComparison stored, ReadComparison(path));
  if (stored.comparison.pairs.empty()) {
    return base::MakeError(ErrorCode::kCorrupt,
                           "explaining {}: found no pair of models", path);
  }
  Comparison formed = stored.comparison;
  if (const Status judged = Judge(stored.evidence, formed); !judged) {
    return base::MakeError(ErrorCode::kCorrupt, "explaining {}: {}", path,
                           judged.error().message);
  }
  for (size_t i = 0; i < formed.pairs.size(); ++i) {
    if (formed.pairs[i].verdict == stored.comparison.pairs[i].verdict) continue;
    return base::MakeError(
        ErrorCode::kCorrupt,
        "explaining {}: the verdict on {} and {} that is kept does not follow "
        "from the evidence beside it, which gives {} ({})",
        path, formed.pairs[i].a, formed.pairs[i].b,
        VerdictName(formed.pairs[i].verdict), formed.pairs[i].reason);
  }
  formed.run_dir = path;
  return formed;
}

}  // namespace revlm
