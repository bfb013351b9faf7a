// Runs the requests of one group: their prompts, then one pass a token for
// those that generate, and turns scored rows into completions.
//
// Threads: thread-confined; callbacks are called on the caller's thread.
// Memory: the workspace's, and completions. Errors: those of passes.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/model.h"
#include "engine/pass_runner.h"
#include "engine/workspace.h"

namespace revlm::engine {

// A request as it was checked and planned.
struct PlannedRequest {
  size_t request_idx = 0;
  const Request* request = nullptr;
  RequestShape shape;
};

class GroupRunner {
 public:
  GroupRunner(const ModelSpec& spec, const KvPages& pages, Workspace& workspace,
              const RunHooks& hooks, Progress& progress)
      : spec_(spec),
        pages_(pages),
        workspace_(workspace),
        hooks_(hooks),
        progress_(progress) {}

  // `requests` are all of the plan's. `is_last`: no group follows.
  Status Run(const GroupShape& group, std::span<const PlannedRequest> requests,
             bool is_last);

 private:
  // Which position of which sequence a head row scores.
  struct ScoredPosition {
    Sequence* sequence = nullptr;
    int64_t position = 0;
  };

  std::vector<Sequence> MakeSequences(
      std::span<const PlannedRequest> requests) const;
  Status RunPass(Progress::Phase phase, std::span<Sequence*> live,
                 bool another_follows);
  void AddRows(Progress::Phase phase, Sequence& sequence, Pass& pass,
               std::vector<ScoredPosition>& scored);
  void AddToken(const HeadRow& row, Sequence& sequence) const;
  void HandOver(std::vector<Sequence*>& live);

  const ModelSpec& spec_;
  const KvPages& pages_;
  Workspace& workspace_;
  const RunHooks& hooks_;
  Progress& progress_;
  KvStore store_;
  int64_t num_rows_ = 0;  // of the pass being made
};

}  // namespace revlm::engine
