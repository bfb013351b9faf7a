#include "crypto/sha256.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "base/hex.h"

namespace revlm::crypto {
namespace {

std::string HexOf(std::string_view text) {
  return base::ToHex(Sha256(base::AsBytes(text)));
}

TEST(Sha256Test, MatchesThePublishedVectors) {
  EXPECT_EQ(HexOf(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexOf("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256Test, PiecesGiveTheDigestOfTheWhole) {
  const std::string million(1'000'000, 'a');
  Sha256Hasher hasher;
  for (size_t begin = 0; begin < million.size(); begin += 7777) {
    hasher.Update(base::AsBytes(std::string_view(million).substr(begin, 7777)));
  }
  EXPECT_EQ(base::ToHex(hasher.Finish()),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, AHasherStartsAnewAfterFinish) {
  Sha256Hasher hasher;
  hasher.Update(base::AsBytes("left over"));
  static_cast<void>(hasher.Finish());
  hasher.Update(base::AsBytes("abc"));
  EXPECT_EQ(hasher.Finish(), Sha256(base::AsBytes("abc")));
  EXPECT_EQ(hasher.Finish(), Sha256({}));
}

}  // namespace
}  // namespace revlm::crypto
