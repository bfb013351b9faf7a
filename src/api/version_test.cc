#include "revlm/version.h"

#include <gtest/gtest.h>

namespace revlm {
namespace {

TEST(VersionTest, IsThatOfTheProject) {
  EXPECT_EQ(kVersion, REVLM_PROJECT_VERSION);
}

}  // namespace
}  // namespace revlm
