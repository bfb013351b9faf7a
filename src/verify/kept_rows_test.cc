#include "verify/kept_rows.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/bytes.h"
#include "crypto/sha256.h"
#include "support/files.h"

namespace revlm::verify {
namespace {

bool Any(size_t, size_t) { return true; }

class KeptRowsTest : public ::testing::Test {
 protected:
  KeptRowsTest() {
    at_ = {.path = ::testing::TempDir() + "kept_rows_test", .key = "plan what"};
  }
  ~KeptRowsTest() override { std::filesystem::remove(at_.path); }

  void Write(const std::string& bytes) const {
    std::ofstream(at_.path, std::ios::binary | std::ios::trunc) << bytes;
  }

  KeptAt at_;
};

TEST_F(KeptRowsTest, AreReadAsTheyWere) {
  const Rows<int32_t> ids = {{1, -2, 3}, {}, {INT32_MAX}};
  ASSERT_TRUE(Keep(at_, ids));
  EXPECT_EQ(ReadKept<int32_t>(at_, 3, Any), ids);
  // A row longer than what is written at once.
  const Rows<float> numbers = {std::vector<float>(100'000, 0.1F), {-0.0F, 2}};
  ASSERT_TRUE(Keep(at_, numbers));
  EXPECT_EQ(ReadKept<float>(at_, 2, Any), numbers);
  ASSERT_TRUE(KeepBytes(at_, "bytes"));
  const Rows<char> bytes = {{'b', 'y', 't', 'e', 's'}};
  EXPECT_EQ(ReadKept<char>(at_, 1, Any), bytes);
}

TEST_F(KeptRowsTest, WhatDoesNotFitIsNotThere) {
  EXPECT_FALSE(ReadKept<int32_t>(at_, 2, Any));
  ASSERT_TRUE(Keep<int32_t>(at_, {{1, 2}, {3}}));
  EXPECT_FALSE(ReadKept<int32_t>(at_, 1, Any));
  EXPECT_FALSE(ReadKept<int32_t>(at_, 3, Any));
  EXPECT_FALSE(ReadKept<int32_t>({at_.path, "plan else"}, 2, Any));
  EXPECT_FALSE(ReadKept<int32_t>(at_, 2, [](size_t row, size_t length) {
    return row == 0 || length > 1;
  }));
  EXPECT_TRUE(ReadKept<int32_t>(at_, 2, Any));
}

TEST_F(KeptRowsTest, DamagedNothingIsThere) {
  ASSERT_TRUE(Keep<int32_t>(at_, {{1, 2}, {3}}));
  const std::string whole = testing::ReadFile(at_.path).value();
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    Write(damaged);
    EXPECT_FALSE(ReadKept<int32_t>(at_, 2, Any)) << i;
    Write(whole.substr(0, i));
    EXPECT_FALSE(ReadKept<int32_t>(at_, 2, Any)) << i;
  }
  Write(whole + '\0');
  EXPECT_FALSE(ReadKept<int32_t>(at_, 2, Any));
}

// With a digest that is right: no room is taken for what is not in the file.
TEST_F(KeptRowsTest, LengthsAreNotBelieved) {
  const auto text_of = [](const crypto::Sha256Digest& digest) {
    return std::string(reinterpret_cast<const char*>(digest.data()),
                       digest.size());
  };
  for (const uint64_t length :
       {uint64_t{9}, uint64_t{1} << 40, UINT64_MAX, (UINT64_MAX >> 2) + 2}) {
    std::string forged =
        "revlm.rows/1\n" + text_of(crypto::Sha256(base::AsBytes(at_.key)));
    forged.append(reinterpret_cast<const char*>(&length), sizeof(length));
    forged.append(4, 'x');
    forged += text_of(crypto::Sha256(base::AsBytes(forged)));
    Write(forged);
    EXPECT_FALSE(ReadKept<int32_t>(at_, 1, Any)) << length;
  }
}

}  // namespace
}  // namespace revlm::verify
