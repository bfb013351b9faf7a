#include "crypto/hmac_sha256.h"

#include <gtest/gtest.h>

#include <string_view>

#include "base/bytes.h"
#include "base/hex.h"
#include "crypto/crypto_testing.h"

namespace revlm::crypto {
namespace {

using base::AsBytes;
using base::ToHex;

TEST(HmacSha256Test, MatchesTheVectorsOfRfc4231) {
  EXPECT_EQ(ToHex(HmacSha256(Repeated(0x0b, 20), AsBytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(ToHex(HmacSha256(AsBytes("Jefe"),
                             AsBytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(ToHex(HmacSha256(Repeated(0xaa, 20), Repeated(0xdd, 50))),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(ToHex(HmacSha256(Counting(1, 26), Repeated(0xcd, 50))),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
  // Test case 5 prints the first 16 bytes.
  EXPECT_EQ(
      ToHex(HmacSha256(Repeated(0x0c, 20), AsBytes("Test With Truncation")))
          .substr(0, 32),
      "a3b6167473100ee06e0c796c2955552b");
}

TEST(HmacSha256Test, AKeyLongerThanABlockIsHashedFirst) {
  const auto key = Repeated(0xaa, 131);
  EXPECT_EQ(ToHex(HmacSha256(
                key, AsBytes("Test Using Larger Than Block-Size Key - Hash Key "
                             "First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(ToHex(HmacSha256(
                key, AsBytes("This is a test using a larger than block-size "
                             "key and a larger than block-size data. The key "
                             "needs to be hashed before being used by the HMAC "
                             "algorithm."))),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(HmacSha256Test, AnEmptyKeyIsAKeyOfZeros) {
  EXPECT_EQ(HmacSha256({}, AsBytes("text")),
            HmacSha256(Repeated(0, 32), AsBytes("text")));
  EXPECT_EQ(ToHex(HmacSha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

}  // namespace
}  // namespace revlm::crypto
