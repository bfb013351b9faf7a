#include "cli/suggest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace revlm::cli {
namespace {

const std::vector<std::string> kCommands = {"run", "inspect"};

std::vector<std::string> Inserted(std::vector<std::string> arguments) {
  EXPECT_EQ(InsertRun(arguments, kCommands), "");
  return arguments;
}

TEST(SuggestTest, DistanceCountsSlipsOfTheHand) {
  EXPECT_EQ(EditDistance("", ""), 0u);
  EXPECT_EQ(EditDistance("run", ""), 3u);
  EXPECT_EQ(EditDistance("inspect", "inspcet"), 1u);   // swapped
  EXPECT_EQ(EditDistance("inspect", "insect"), 1u);    // left out
  EXPECT_EQ(EditDistance("inspect", "innspect"), 1u);  // doubled
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(SuggestTest, OnlyWhatIsNearIsSuggested) {
  const std::vector<std::string> flags = {"--max-tokens", "--temperature",
                                          "--prompt-logprobs"};
  EXPECT_EQ(Closest("--max-token", flags), "--max-tokens");
  EXPECT_EQ(Closest("--max_tokens", flags), "--max-tokens");
  EXPECT_EQ(Closest("--temprature", flags), "--temperature");
  EXPECT_EQ(Closest("--prompt-log", flags), "--prompt-logprobs");
  EXPECT_EQ(Closest("--frobnicate", flags), "");
}

TEST(SuggestTest, AModelFirstMeansRun) {
  using Arguments = std::vector<std::string>;
  EXPECT_EQ(Inserted({"./model", "-q"}), (Arguments{"run", "./model", "-q"}));
  EXPECT_EQ(Inserted({"hf:a/b"}), (Arguments{"run", "hf:a/b"}));
  EXPECT_EQ(Inserted({"pythia"}), (Arguments{"run", "pythia"}));
  EXPECT_EQ(Inserted({"--json", "m"}), (Arguments{"run", "--json", "m"}));
  EXPECT_EQ(Inserted({"run", "m"}), (Arguments{"run", "m"}));
  EXPECT_EQ(Inserted({"--help"}), (Arguments{"--help"}));
  EXPECT_EQ(Inserted({}), Arguments{});
}

TEST(SuggestTest, ASlipOfACommandIsNoModel) {
  std::vector<std::string> arguments = {"inspcet", "m"};
  EXPECT_EQ(InsertRun(arguments, kCommands), "inspect");
  EXPECT_EQ(arguments.size(), 2u);
}

}  // namespace
}  // namespace revlm::cli
