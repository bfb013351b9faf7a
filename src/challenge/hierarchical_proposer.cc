#include "challenge/hierarchical_proposer.h"

#include <string>
#include <vector>

#include "challenge/coverage.h"
#include "challenge/hierarchical.h"
#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

class HierarchicalProposer : public NumberedProposer {
 public:
  explicit HierarchicalProposer(const Key& session_key)
      : prompt_key_(DerivePromptKey(session_key, kHierarchical.name)),
        knowledge_(TaxonomyLeaves().size()) {}

  std::string_view name() const override { return kHierarchical.name; }

  void Learn(std::span<const Lesson> lessons) override {
    for (const Lesson& lesson : lessons) {
      for (const size_t leaf_idx : TouchedBy(lesson.challenge).leaves) {
        AddOutcome(lesson.information_nats, knowledge_[leaf_idx]);
      }
    }
    if (lessons.empty()) return;
    leaves_ = LeavesByUncertainty(knowledge_);
    next_leaf_ = 0;
  }

 private:
  Result<Challenge> Make(uint64_t index) override {
    if (leaves_.empty()) return kHierarchical.make(prompt_key_, index, {});
    const size_t leaf_idx = leaves_[next_leaf_++ % leaves_.size()];
    const std::vector<Parameter> parameters = {
        {"walk", "uncertainty"},
        {"leaf", std::string(TaxonomyLeaves()[leaf_idx].path)}};
    return kHierarchical.make(prompt_key_, index, parameters);
  }

  Key prompt_key_;
  std::vector<LeafKnowledge> knowledge_;  // by leaf
  std::vector<size_t> leaves_;            // in the order to ask; empty: as ever
  size_t next_leaf_ = 0;
};

}  // namespace

std::shared_ptr<Proposer> MakeHierarchicalProposer(const Key& session_key) {
  return std::make_shared<HierarchicalProposer>(session_key);
}

}  // namespace revlm::challenge
