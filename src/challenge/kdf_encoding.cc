#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/hex.h"
#include "challenge/kdf_methods.h"
#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

// RFC 4648, section 4.
std::string Base64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string encoded;
  for (size_t i = 0; i < text.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t j = i; j < i + 3; ++j) {
      bits = bits << 8 | (j < text.size() ? static_cast<uint8_t>(text[j]) : 0u);
    }
    for (size_t digit = 0; digit < 4; ++digit) {
      encoded += i + digit > text.size()
                     ? '='
                     : kDigits[bits >> (18 - 6 * digit) & 63];
    }
  }
  return encoded;
}

std::string Hex(std::string_view text) {
  return base::ToHex(base::AsBytes(text));
}

std::string Rot13(std::string_view text) {
  std::string encoded(text);
  for (char& c : encoded) {
    for (const char first : {'a', 'A'}) {
      if (c >= first && c < first + 26) {
        c = static_cast<char>(first + (c - first + 13) % 26);
        break;
      }
    }
  }
  return encoded;
}

std::string Reversed(std::string_view text) {
  return std::string(text.rbegin(), text.rend());
}

// ITU-R M.1677-1: letters and digits; what has no sign there is left out, and
// a space becomes a slash.
std::string Morse(std::string_view text) {
  static constexpr std::string_view kLetters[] = {
      ".-",   "-...", "-.-.", "-..",  ".",   "..-.", "--.",  "....", "..",
      ".---", "-.-",  ".-..", "--",   "-.",  "---",  ".--.", "--.-", ".-.",
      "...",  "-",    "..-",  "...-", ".--", "-..-", "-.--", "--.."};
  static constexpr std::string_view kDigits[] = {
      "-----", ".----", "..---", "...--", "....-",
      ".....", "-....", "--...", "---..", "----."};
  std::string encoded;
  for (const char c : text) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    std::string_view sign;
    if (lower >= 'a' && lower <= 'z') {
      sign = kLetters[lower - 'a'];
    } else if (lower >= '0' && lower <= '9') {
      sign = kDigits[lower - '0'];
    } else if (lower == ' ') {
      sign = "/";
    } else {
      continue;
    }
    if (!encoded.empty()) encoded += ' ';
    encoded += sign;
  }
  return encoded;
}

// Every byte, as RFC 3986 writes the reserved ones.
std::string Percent(std::string_view text) {
  std::string encoded;
  for (size_t i = 0; i < text.size(); ++i) {
    encoded.append("%").append(Hex(text.substr(i, 1)));
  }
  return encoded;
}

struct Code {
  std::string_view name;
  std::string_view manner;  // it is ...
  std::string (*encode)(std::string_view text);
};
constexpr Code kBase64 = {"Base64", "in base64", &Base64};
constexpr Code kHex = {"Hexadecimal", "in hexadecimal", &Hex};
constexpr Code kRot13 = {"Rot13", "in rot13", &Rot13};
constexpr Code kReversed = {"Backwards", "written backwards", &Reversed};
constexpr Code kMorse = {"Morse", "in Morse code", &Morse};
constexpr Code kPercent = {"URL", "in percent encoding", &Percent};
// Fit to code once more what is coded.
constexpr Code kOuterCodes[] = {kBase64, kHex, kReversed, kPercent};

constexpr std::string_view kPhrases[] = {
    "the {adj} {object}",
    "{things} for {name}",
    "{3-90} {things}",
    "meet me at {place}",
    "{food:a}, {food:b}, {food:c}",
    "look {spot}",
    "{name} is in {city}",
    "{day} at {place}",
    "no {things} on {day}",
    "ask the {person}",
    "{colour} {object}, {spot}",
    "sell the {object} in {month}",
};

constexpr std::string_view kFinds[] = {
    "{name} found this {spot}:\n",
    "The last line in the notebook of the {person} was:\n",
    "This came with the {things} from {city}:\n",
    "On the back of the {object} was written:\n",
    "The message of {day}, {1-28} {month}:\n",
};

std::string DrawPhrase(Draws& draws) {
  return ExpandCommon(DrawOne(kPhrases, draws), draws);
}

// `text` until the last space before its middle, or its middle.
std::string_view FirstHalf(std::string_view text) {
  const size_t middle = text.size() / 2;
  return text.substr(0, std::min(text.rfind(' ', middle), middle));
}

std::string WriteByExample(const Code& code, Draws& draws, uint64_t strength) {
  const bool coded_comes_first = draws.Below(2) == 0;
  std::string text = fmt::format("{}:\n", code.name);
  const uint64_t num_examples = 3 - strength;
  for (uint64_t i = 0; i <= num_examples; ++i) {
    std::string known = DrawPhrase(draws);
    std::string wanted = code.encode(known);
    if (coded_comes_first) std::swap(known, wanted);
    text += known + " =";
    if (i < num_examples) {
      text += fmt::format(" {}\n", wanted);
    } else if (strength == 1) {
      text.append(" ").append(FirstHalf(wanted));
    }
  }
  return text;
}

// One of the codes for the outside that is not `inner`.
const Code& DrawOuter(const Code& inner, Draws& draws) {
  const size_t idx = draws.Below(std::size(kOuterCodes) - 1);
  const bool is_inner = kOuterCodes[idx].name == inner.name;
  return is_inner ? kOuterCodes[std::size(kOuterCodes) - 1] : kOuterCodes[idx];
}

std::string WriteFind(const Code& code, Draws& draws, uint64_t strength) {
  const std::string find = ExpandCommon(DrawOne(kFinds, draws), draws);
  const std::string coded = code.encode(DrawStatement(draws));
  if (strength == 3) {
    return fmt::format("{}{}\nIt is {}, and it says:", find, coded,
                       code.manner);
  }
  if (strength == 4) return find + coded + "\nIt says:";
  const Code& outer = DrawOuter(code, draws);
  return fmt::format("{}{}\nIt is {}, and below that:", find,
                     outer.encode(coded), outer.manner);
}

// 1: two examples and the first words; 2: one example; 3: a sentence whose code
// is named; 4: one whose code is not; 5: coded twice, the outer code is named.
template <const Code& kCode>
std::string Write(Draws& draws, uint64_t strength) {
  return strength <= 2 ? WriteByExample(kCode, draws, strength)
                       : WriteFind(kCode, draws, strength);
}

constexpr KdfMethod kMethods[] = {
    {"base64", "base64 has to be read in groups that tokens cut across",
     &Write<kBase64>},
    {"hex", "hexadecimal has to be read byte by byte", &Write<kHex>},
    {"rot13", "letters have to be moved one by one", &Write<kRot13>},
    {"reversed", "text backwards has tokens that are rarely seen",
     &Write<kReversed>},
    {"morse", "long runs of two characters have to be counted", &Write<kMorse>},
    {"percent", "percent encoding has to be read byte by byte",
     &Write<kPercent>},
};

}  // namespace

std::span<const KdfMethod> EncodingMethods() { return kMethods; }

}  // namespace revlm::challenge
