#include "challenge/proposer.h"

#include <cstdint>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "crypto/sha256.h"

namespace revlm::challenge {
namespace {

class IndexProposer : public Proposer {
 public:
  IndexProposer(const System& system, const Key& session_key)
      : system_(system),
        prompt_key_(DerivePromptKey(session_key, system.name)) {}

  std::string_view name() const override { return system_.name; }

  Result<std::vector<Challenge>> Propose(size_t count,
                                         const std::stop_token& stop) override {
    std::vector<Challenge> challenges;
    size_t num_without_new = 0;
    while (challenges.size() < count && num_without_new < kMaxChallenges &&
           !stop.stop_requested()) {
      REVLM_ASSIGN_OR_RETURN(Challenge challenge,
                             system_.make(prompt_key_, next_index_++, {}));
      ++num_without_new;
      if (texts_.insert(crypto::Sha256(base::AsBytes(challenge.text))).second) {
        challenges.push_back(std::move(challenge));
        num_without_new = 0;
      }
    }
    return challenges;
  }

  void Learn(std::span<const Lesson>) override {}

 private:
  System system_;
  Key prompt_key_;
  uint64_t next_index_ = 0;
  std::set<crypto::Sha256Digest> texts_;  // proposed before
};

}  // namespace

std::shared_ptr<Proposer> MakeIndexProposer(const System& system,
                                            const Key& session_key) {
  return std::make_shared<IndexProposer>(system, session_key);
}

}  // namespace revlm::challenge
