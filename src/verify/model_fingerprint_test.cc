// Fingerprints of real small models: what they say of relatives and strangers,
// and that nothing but the model decides their bytes.
#include "verify/model_fingerprint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "fingerprint/revfp.h"
#include "fingerprint/weight_similarity.h"
#include "support/models.h"

namespace revlm::verify {
namespace {

using fingerprint::CompareWeightSketches;
using fingerprint::Fingerprint;

constexpr char kAster[] = REVLM_EXAMPLES "/models/aster-s0";
constexpr char kAsterQuotes[] = REVLM_EXAMPLES "/models/aster-s0-ft-quotes";

struct How {
  int32_t num_threads = 2;
  std::optional<int32_t> batch_size = {};
  uint64_t budget_bytes = uint64_t{1} << 30;
  bool keep_weights = true;
};

Result<Fingerprint> Make(const std::string& directory, const How& how = {}) {
  RunOptions options;
  options.num_threads = how.num_threads;
  options.batch_size = how.batch_size;
  options.keep_weights = how.keep_weights;
  memory::Budget budget(how.budget_bytes);
  REVLM_ASSIGN_OR_RETURN(run::Model model,
                         run::LoadModel(directory, options, budget, ""));
  return MakeFingerprint(model, budget, "", {});
}

std::string Unpacked(const std::string& name) {
  const auto directory =
      testing::UnpackModel(std::string(REVLM_TEST_DATA) + "/zoo/" + name);
  EXPECT_TRUE(directory) << directory.error().message;
  return directory.value_or("");
}

Fingerprint Made(const std::string& directory) {
  auto made = Make(directory);
  EXPECT_TRUE(made) << made.error().message;
  return made.value_or(Fingerprint());
}

TEST(ModelFingerprintTest, NothingButTheModelDecidesItsBytes) {
  const std::string expected = fingerprint::ToRevfp(Made(kAster));
  EXPECT_GT(expected.size(), 50'000U);
  EXPECT_LT(expected.size(), 300'000U);
  const How hows[] = {{.num_threads = 1},
                      {.batch_size = 1},
                      {.batch_size = 7, .keep_weights = false},
                      {.budget_bytes = uint64_t{24} << 20}};
  for (const How& how : hows) {
    const auto made = Make(kAster, how);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(fingerprint::ToRevfp(*made), expected);
  }
}

TEST(ModelFingerprintTest, IsRefusedInTooLittleMemory) {
  const auto made = Make(kAster, {.budget_bytes = uint64_t{1} << 20});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kBudgetExceeded);
}

TEST(ModelFingerprintTest, AFineTunedModelComesFromItsBase) {
  const Fingerprint base = Made(kAster);
  const Fingerprint tuned = Made(kAsterQuotes);
  const auto weights = CompareWeightSketches(base.weights, tuned.weights);
  ASSERT_TRUE(weights);
  EXPECT_EQ(weights->num_units, 192U);  // 6 layers, 2 key heads, 16 pairs
  EXPECT_GT(weights->z, 0.98 * std::sqrt(192));
  const auto states = fingerprint::CompareStates(base, tuned);
  ASSERT_TRUE(states);
  EXPECT_EQ(states->first_other_bits, 0U);
  EXPECT_GT(states->mean_cka, 0.9);
  EXPECT_NE(base.model.tensor_root, tuned.model.tensor_root);
}

TEST(ModelFingerprintTest, StrangersHaveNoWeightsInCommon) {
  const Fingerprint aster = Made(kAster);
  for (const char* name : {"dahlia-s0", "asterl-s0", "briar-s0", "cedar-s0"}) {
    const Fingerprint other = Made(Unpacked(name));
    const auto weights = CompareWeightSketches(aster.weights, other.weights);
    if (weights) {
      EXPECT_LT(std::abs(weights->z), 4) << name;
    }
    // States of any two models can be compared.
    const auto states = fingerprint::CompareStates(aster, other);
    ASSERT_TRUE(states);
    EXPECT_GT(states->num_positions, 150U) << name;
    EXPECT_GT(states->mean_cka, 0.1) << name;
    EXPECT_LT(states->mean_cka, 0.999) << name;
  }
}

TEST(ModelFingerprintTest, SketchesLeaveLittleOut) {
  for (const fingerprint::LayerSketch& state : Made(kAster).states) {
    EXPECT_LT(state.left_out, 0.5f);
  }
}

}  // namespace
}  // namespace revlm::verify
