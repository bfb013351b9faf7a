#include "crypto/chacha20.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/hex.h"
#include "crypto/crypto_testing.h"

namespace revlm::crypto {
namespace {

std::vector<std::byte> Take(ChaCha20& stream, size_t num_bytes) {
  std::vector<std::byte> bytes(num_bytes);
  stream.Next(bytes);
  return bytes;
}

std::string Block(std::string_view key, std::string_view nonce,
                  uint32_t block) {
  ChaCha20 stream(ArrayFromHex<32>(key), ArrayFromHex<12>(nonce), block);
  return base::ToHex(Take(stream, 64));
}

constexpr std::string_view kZeroKey =
    "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view kZeroNonce = "000000000000000000000000";

TEST(ChaCha20Test, MatchesTheBlocksOfRfc8439AppendixA1) {
  EXPECT_EQ(Block(kZeroKey, kZeroNonce, 0),
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
            "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
  EXPECT_EQ(Block(kZeroKey, kZeroNonce, 1),
            "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
            "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
  EXPECT_EQ(
      Block("0000000000000000000000000000000000000000000000000000000000000001",
            kZeroNonce, 1),
      "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
      "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0");
  EXPECT_EQ(
      Block("00ff000000000000000000000000000000000000000000000000000000000000",
            kZeroNonce, 2),
      "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca"
      "13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096");
  EXPECT_EQ(Block(kZeroKey, "000000000000000000000002", 0),
            "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7"
            "8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d");
}

TEST(ChaCha20Test, MatchesTheBlockOfRfc8439Section232) {
  EXPECT_EQ(
      Block("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "000000090000004a00000000", 1),
      "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
      "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
}

TEST(ChaCha20Test, PiecesOfAnySizeGiveTheStreamOfTheWhole) {
  ChaCha20 whole({});
  ChaCha20 pieces({});
  const auto expected = Take(whole, 1000);
  std::vector<std::byte> found;
  for (size_t size = 0; found.size() < expected.size(); ++size) {
    const auto piece =
        Take(pieces, std::min(size, expected.size() - found.size()));
    found.insert(found.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace revlm::crypto
