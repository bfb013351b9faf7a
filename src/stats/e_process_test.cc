#include "stats/e_process.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace revlm::stats {
namespace {

using ::testing::HasSubstr;

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(EProcessTest, BeginsWithoutEvidence) {
  const EProcess process;
  EXPECT_EQ(process.e(), 1);
  EXPECT_EQ(process.p(), 1);
  EXPECT_FALSE(process.Rejects(0.99));
}

TEST(EProcessTest, RemembersItsLargestValue) {
  EProcess process;
  ASSERT_TRUE(process.MoveTo(std::log(200)));
  ASSERT_TRUE(process.MoveTo(std::log(0.5)));
  EXPECT_DOUBLE_EQ(process.e(), 0.5);
  EXPECT_DOUBLE_EQ(process.p(), 1.0 / 200);
  EXPECT_TRUE(process.Rejects(0.01));
  EXPECT_FALSE(process.Rejects(0.001));
}

TEST(EProcessTest, RejectsAtExactlyOneOverAlpha) {
  EProcess process;
  ASSERT_TRUE(process.MoveTo(std::nextafter(-std::log(0.01), 0)));
  EXPECT_FALSE(process.Rejects(0.01));
  ASSERT_TRUE(process.MoveTo(-std::log(0.01)));
  EXPECT_TRUE(process.Rejects(0.01));
}

TEST(EProcessTest, NeverRejectsAtAnImpossibleRate) {
  EProcess process;
  ASSERT_TRUE(process.MoveTo(1e6));
  EXPECT_FALSE(process.Rejects(0));
  EXPECT_FALSE(process.Rejects(-1));
  EXPECT_FALSE(process.Rejects(std::nan("")));
}

TEST(EProcessTest, EIsFiniteAndPIsNever0) {
  EProcess process;
  ASSERT_TRUE(process.MoveTo(1e6));
  EXPECT_EQ(process.e(), std::numeric_limits<double>::max());
  EXPECT_EQ(process.p(), std::numeric_limits<double>::min());
}

TEST(EProcessTest, EvidenceCanEndForGood) {
  EProcess process;
  ASSERT_TRUE(process.MoveTo(-kInf));
  EXPECT_EQ(process.e(), 0);
  EXPECT_EQ(process.p(), 1);
}

TEST(EProcessTest, RefusesWhatIsNoEvidence) {
  EProcess process;
  ASSERT_TRUE(process.MoveTo(2));
  for (const double bad : {kInf, std::nan("")}) {
    const Status status = process.MoveTo(bad);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(status.error().message, HasSubstr("moving an e-process"));
  }
  EXPECT_EQ(process.log_e(), 2);
  EXPECT_EQ(process.log_max_e(), 2);
}

}  // namespace
}  // namespace revlm::stats
