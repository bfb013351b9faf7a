#include "challenge/proposer.h"

#include <utility>

#include "base/bytes.h"

namespace revlm::challenge {
namespace {

class FixedProposer : public NumberedProposer {
 public:
  FixedProposer(const System& system, const Key& session_key)
      : system_(system),
        prompt_key_(DerivePromptKey(session_key, system.name)) {}

  std::string_view name() const override { return system_.name; }
  void Learn(std::span<const Lesson>) override {}

 private:
  Result<Challenge> Make(uint64_t index) override {
    return system_.make(prompt_key_, index, {});
  }

  System system_;
  Key prompt_key_;
};

}  // namespace

Result<std::vector<Challenge>> NumberedProposer::Propose(
    size_t count, const std::stop_token& stop) {
  std::vector<Challenge> challenges;
  size_t num_without_new = 0;
  while (challenges.size() < count && num_without_new < kMaxChallenges &&
         !stop.stop_requested()) {
    REVLM_ASSIGN_OR_RETURN(Challenge challenge, Make(next_index_++));
    ++num_without_new;
    if (texts_.insert(crypto::Sha256(base::AsBytes(challenge.text))).second) {
      challenges.push_back(std::move(challenge));
      num_without_new = 0;
    }
  }
  return challenges;
}

std::shared_ptr<Proposer> MakeFixedProposer(const System& system,
                                            const Key& session_key) {
  return std::make_shared<FixedProposer>(system, session_key);
}

}  // namespace revlm::challenge
