#include "revlm/environment.h"

#include <gtest/gtest.h>

namespace revlm {
namespace {

TEST(EnvironmentTest, NamesAreFoundWholeAndValuesKeptAsTheyAre) {
  const Environment environment = EnvironmentFrom(
      {"HF_HOME_OLD=/old", "HF_HOME=/a=b", "HOME=/home/one", "HOME=/home/two",
       "HF_HUB_CACHE=", "NOT_A_VARIABLE", "ONEDNN_MAX_CPU_ISA=AVX2"});
  EXPECT_EQ(environment.hf_home, "/a=b");
  EXPECT_EQ(environment.home, "/home/one");
  EXPECT_FALSE(environment.hf_hub_cache);
  EXPECT_FALSE(environment.huggingface_hub_cache);
  EXPECT_EQ(environment.cache_dir, "/home/one/.cache/revlm");
  ASSERT_EQ(environment.variables.size(), 7u);
  EXPECT_EQ(environment.variables.back(), "ONEDNN_MAX_CPU_ISA=AVX2");
}

TEST(EnvironmentTest, OurFolderIsWhereCachesAre) {
  EXPECT_EQ(EnvironmentFrom({"HOME=/h", "XDG_CACHE_HOME=/x"}).cache_dir,
            "/x/revlm");
  EXPECT_EQ(EnvironmentFrom({"HOME=/h", "XDG_CACHE_HOME="}).cache_dir,
            "/h/.cache/revlm");
  EXPECT_EQ(EnvironmentFrom({}).cache_dir, "");
}

}  // namespace
}  // namespace revlm
