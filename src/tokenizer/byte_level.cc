#include "tokenizer/byte_level.h"

#include <array>

#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

constexpr bool StandsForItself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

constexpr std::array<char16_t, 256> kCharacterOfByte = [] {
  std::array<char16_t, 256> characters{};
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    characters[byte] =
        static_cast<char16_t>(StandsForItself(byte) ? byte : next++);
  }
  return characters;
}();

constexpr size_t kNumCharacters = 0x144;  // one more than the largest

// -1 for a character of no byte.
constexpr std::array<int16_t, kNumCharacters> kByteOfCharacter = [] {
  std::array<int16_t, kNumCharacters> bytes{};
  bytes.fill(-1);
  for (unsigned byte = 0; byte < 256; ++byte) {
    bytes[kCharacterOfByte[byte]] = static_cast<int16_t>(byte);
  }
  return bytes;
}();

}  // namespace

void AppendBytesAsCharacters(std::string_view text, std::string* out) {
  for (const char c : text) {
    AppendUtf8(kCharacterOfByte[static_cast<unsigned char>(c)], out);
  }
}

void AppendCharactersAsBytes(std::string_view token, std::string* out) {
  const size_t start = out->size();
  for (size_t position = 0; position < token.size();) {
    const CodePoint point = DecodeUtf8(token, position);
    if (point.value >= kNumCharacters || kByteOfCharacter[point.value] < 0) {
      out->resize(start);
      out->append(token);
      return;
    }
    *out += static_cast<char>(kByteOfCharacter[point.value]);
    position += point.length;
  }
}

}  // namespace revlm::tokenizer
