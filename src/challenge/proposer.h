// A prompt system as the orchestrator asks it: what it would give next, after
// what it has learnt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "challenge/draw.h"
#include "challenge/system.h"
#include "crypto/sha256.h"

namespace revlm::challenge {

// What a challenge brought, of whatever system.
struct Lesson {
  const Challenge& challenge;
  double information_nats;
};

// Threads: one call at a time, from any thread. Lifetime: the orchestrator and
// a call that is under way share it, so that a late one outlives being given
// up.
class Proposer {
 public:
  virtual ~Proposer() = default;

  virtual std::string_view name() const = 0;  // "pot/1"

  // The next `count` challenges in the system's own order, with ids and texts
  // that it did not propose before; fewer: it has no more. What it gives is
  // decided by its construction and the calls before. Should end soon after
  // `stop` asks for it, with whatever result.
  virtual Result<std::vector<Challenge>> Propose(
      size_t count, const std::stop_token& stop) = 0;

  // Takes what challenges of all systems brought.
  virtual void Learn(std::span<const Lesson> lessons) = 0;
};

// One that makes the challenges of index 0, 1, ... and leaves out those whose
// text came before.
class NumberedProposer : public Proposer {
 public:
  Result<std::vector<Challenge>> Propose(size_t count,
                                         const std::stop_token& stop) final;

 private:
  virtual Result<Challenge> Make(uint64_t index) = 0;

  uint64_t next_index_ = 0;
  std::set<crypto::Sha256Digest> texts_;  // proposed before
};

// A system that gives the same, whatever it is told.
std::shared_ptr<Proposer> MakeFixedProposer(const System& system,
                                            const Key& session_key);

}  // namespace revlm::challenge
