// What a long call tells while it works.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace revlm {

struct RunStatus;

struct RunEvent {
  enum class Kind {
    kNotice,    // `message`, for the user
    kDraining,  // `message`, for the user: RunOptions::drain is being done
    kDetail,    // `message`, for a user who asked for more
    kDebug,     // `message`, for whoever looks for a fault
    kProgress,  // the numbers below
  };
  Kind kind = Kind::kProgress;
  std::string message;

  std::string model;  // the alias of the model at work
  std::string phase;  // "prefill", "decode", "done" or "hash"
  int32_t layer = 0;  // parts of the weights this pass went through, of
  int32_t num_layers = 0;
  int64_t num_finished = 0;  // of the whole call, of
  int64_t num_total = 0;
  std::string unit;     // what is counted: "operations" or "files"
  double fraction = 0;  // of the work, an estimate
  double seconds = 0;   // since the call
  // Of a run, its latest sample (revlm/status.h); null before the first.
  std::shared_ptr<const RunStatus> status;
};

}  // namespace revlm
