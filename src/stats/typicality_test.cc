#include "stats/typicality.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace revlm::stats {
namespace {

std::vector<std::string> Answers(size_t num_yes, size_t num_no) {
  std::vector<std::string> answers(num_yes, "yes");
  answers.insert(answers.end(), num_no, "no");
  return answers;
}

TEST(TypicalityTest, CommonAnswersAreTypical) {
  const Typicality typicality(Answers(15, 5));
  EXPECT_NEAR(typicality.Score("yes"), 1 + std::log(0.75) / std::log(200),
              1e-15);
  EXPECT_NEAR(typicality.Score("no"), 1 + std::log(0.25) / std::log(200),
              1e-15);
  EXPECT_EQ(typicality.Score("perhaps"), 0);
  EXPECT_EQ(typicality.Score(""), 0);
}

TEST(TypicalityTest, TheOnlyAnswerIsAsTypicalAsCanBe) {
  const Typicality typicality(Answers(20, 0));
  EXPECT_EQ(typicality.Score("yes"), 1);
  EXPECT_EQ(typicality.Payoff("yes", "no"), 1);
  EXPECT_EQ(typicality.Payoff("no", "yes"), -1);
}

TEST(TypicalityTest, AnswersBelow1In200AreAsOneThatNeverCame) {
  const Typicality rare(Answers(999, 1));
  EXPECT_EQ(rare.Score("no"), 0);
  const Typicality at_the_edge(Answers(199, 1));
  EXPECT_NEAR(at_the_edge.Score("no"), 0, 1e-15);
  EXPECT_GE(at_the_edge.Score("no"), 0);
}

TEST(TypicalityTest, WithoutAnswersEveryPairIsEven) {
  const Typicality typicality({});
  EXPECT_EQ(typicality.Score("yes"), 0);
  EXPECT_EQ(typicality.Payoff("yes", "no"), 0);
}

TEST(TypicalityTest, PayoffsAreOddInTheirAnswers) {
  const Typicality typicality(Answers(7, 3));
  for (const char* a : {"yes", "no", "perhaps"}) {
    for (const char* b : {"yes", "no", "perhaps"}) {
      EXPECT_EQ(typicality.Payoff(a, b), -typicality.Payoff(b, a));
      EXPECT_GE(typicality.Payoff(a, b), -1);
      EXPECT_LE(typicality.Payoff(a, b), 1);
    }
  }
}

}  // namespace
}  // namespace revlm::stats
