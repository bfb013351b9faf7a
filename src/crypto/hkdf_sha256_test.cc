#include "crypto/hkdf_sha256.h"

#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "crypto/crypto_testing.h"

namespace revlm::crypto {
namespace {

using base::ToHex;

std::vector<std::byte> Expand(const Sha256Digest& key,
                              std::span<const std::byte> info,
                              size_t num_bytes) {
  std::vector<std::byte> out(num_bytes);
  HkdfExpand(key, info, out);
  return out;
}

TEST(HkdfSha256Test, MatchesTheFirstVectorOfRfc5869) {
  const Sha256Digest key = HkdfExtract(Counting(0, 13), Repeated(0x0b, 22));
  EXPECT_EQ(ToHex(key),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  EXPECT_EQ(ToHex(Expand(key, Counting(0xf0, 0xfa), 42)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
            "34007208d5b887185865");
}

TEST(HkdfSha256Test, MatchesTheVectorOfLongInputs) {
  const Sha256Digest key = HkdfExtract(Counting(0x60, 0xb0), Counting(0, 0x50));
  EXPECT_EQ(ToHex(key),
            "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244");
  EXPECT_EQ(ToHex(Expand(key, Counting(0xb0, 0x100), 82)),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87");
}

TEST(HkdfSha256Test, MatchesTheVectorWithoutSaltAndInfo) {
  const Sha256Digest key = HkdfExtract({}, Repeated(0x0b, 22));
  EXPECT_EQ(ToHex(key),
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
  EXPECT_EQ(ToHex(Expand(key, {}, 42)),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
            "9d201395faa4b61a96c8");
}

TEST(HkdfSha256Test, AShorterOutputIsAPrefixUpToTheLongest) {
  const Sha256Digest key = HkdfExtract({}, base::AsBytes("secret"));
  const auto longest = Expand(key, base::AsBytes("info"), kMaxHkdfBytes);
  for (const size_t num_bytes : {0, 1, 32, 33, 64, 1000}) {
    EXPECT_EQ(
        Expand(key, base::AsBytes("info"), num_bytes),
        std::vector<std::byte>(longest.begin(), longest.begin() + num_bytes));
  }
}

}  // namespace
}  // namespace revlm::crypto
