// Genes written as text, and read back.
#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "base/quote.h"
#include "base/utf8.h"
#include "challenge/gene.h"
#include "challenge/gene_grammar.h"

namespace revlm::challenge {
namespace {

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

// Valid UTF-8 without control characters: a segment has one line.
bool IsPrintable(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const base::CodePoint point = base::DecodeUtf8(text, at);
    if (!point.is_valid || point.value < ' ' ||
        (point.value >= 0x7F && point.value < 0xA0)) {
      return false;
    }
    at += point.length;
  }
  return true;
}

std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (IsPlain(c)) {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

// Nothing: not written as `Escape` would.
std::optional<std::string> Unescape(std::string_view escaped) {
  std::string text;
  while (!escaped.empty()) {
    size_t length = 1;
    if (escaped[0] == '%') {
      length = 3;
      unsigned value = 0;
      const std::string_view digits = escaped.substr(1, 2);
      const auto [end, error] = std::from_chars(
          digits.data(), digits.data() + digits.size(), value, 16);
      if (error != std::errc() || digits.size() != 2 ||
          end != digits.data() + 2) {
        return std::nullopt;
      }
      text += static_cast<char>(value);
    } else {
      text += escaped[0];
    }
    escaped.remove_prefix(length);
  }
  return text;
}

// Numbers with points between them; none where that is not what is there.
std::vector<uint32_t> ReadNumbers(std::string_view text) {
  std::vector<uint32_t> numbers;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (true) {
    uint32_t number = 0;
    const auto [stop, error] = std::from_chars(at, end, number);
    if (error != std::errc()) return {};
    numbers.push_back(number);
    if (stop == end) return numbers;
    if (*stop != '.') return {};
    at = stop + 1;
  }
}

std::optional<Segment> ReadSegment(std::string_view text) {
  if (text.starts_with('=')) {
    auto piece = Unescape(text.substr(1));
    if (!piece || piece->empty() || piece->size() > kMaxSegmentTextBytes ||
        !IsPrintable(*piece)) {
      return std::nullopt;
    }
    return Segment{.text = *std::move(piece)};
  }
  const std::vector<uint32_t> numbers = ReadNumbers(text);
  if (numbers.size() != 3 || numbers[0] >= kNumGeneLanguages ||
      numbers[1] >= GeneTemplates().size()) {
    return std::nullopt;
  }
  return Segment{.language = numbers[0],
                 .template_idx = numbers[1],
                 .draw_idx = numbers[2]};
}

std::optional<Gene> TryReadGene(std::string_view text) {
  Gene gene;
  for (bool is_first = true; !text.empty() || is_first; is_first = false) {
    const size_t end = std::min(text.find(';'), text.size());
    const std::string_view piece = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (is_first) {
      const std::vector<uint32_t> numbers = ReadNumbers(piece);
      if (numbers.size() != kNumModifiers) return std::nullopt;
      for (size_t i = 0; i < kNumModifiers; ++i) {
        if (numbers[i] >= NumValues(i)) return std::nullopt;
        gene.modifiers[i] = numbers[i];
      }
    } else {
      auto segment = ReadSegment(piece);
      if (!segment) return std::nullopt;
      gene.segments.push_back(*std::move(segment));
    }
  }
  if (gene.segments.empty() || gene.segments.size() > kMaxSegments) {
    return std::nullopt;
  }
  return gene;
}

}  // namespace

std::string WriteGene(const Gene& gene) {
  std::string text = fmt::format("{}", fmt::join(gene.modifiers, "."));
  for (const Segment& segment : gene.segments) {
    text += segment.text.empty()
                ? fmt::format(";{}.{}.{}", segment.language,
                              segment.template_idx, segment.draw_idx)
                : ";=" + Escape(segment.text);
  }
  return text;
}

Result<Gene> ReadGene(std::string_view text) {
  auto gene = TryReadGene(text);
  // Written in one way only, so that equal genes have equal names.
  if (!gene || WriteGene(*gene) != text) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "reading a gene: found {}, allowed is what a "
                           "challenge of evolutionary/1 has as its gene",
                           base::Quote(text));
  }
  return *std::move(gene);
}

}  // namespace revlm::challenge
