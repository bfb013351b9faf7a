#include "challenge/gene.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "challenge/gene_grammar.h"

namespace revlm::challenge {
namespace {

enum LetterCase : uint32_t { kAsIs, kLowerCase, kUpperCase, kTitleCase };
constexpr uint32_t kNumCases = 4;
enum Signs : uint32_t { kSignsAsTheyAre, kNoSigns, kSignsTwice };
constexpr uint32_t kNumSigns = 3;
constexpr uint32_t kNumRepeats = 4;
constexpr uint64_t kNumDraws = uint64_t{1} << 32;
constexpr size_t kMaxTextBytes = 2048;
constexpr size_t kMaxAdoptedLines = 3;
constexpr uint32_t kLineSeparator = 1;

uint32_t ValueOf(const Gene& gene, Modifier modifier) {
  return gene.modifiers[static_cast<size_t>(modifier)];
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\t'; }
bool IsSign(char c) {
  return c > ' ' && c < 0x7F && !IsLower(c) && !IsUpper(c) && !IsDigit(c);
}
char ToUpper(char c) { return IsLower(c) ? static_cast<char>(c - 32) : c; }
char ToLower(char c) { return IsUpper(c) ? static_cast<char>(c + 32) : c; }

// At most so many bytes of valid UTF-8, whole characters.
std::string_view CutToBytes(std::string_view text, size_t max_bytes) {
  text = text.substr(0, max_bytes);
  return text.substr(0, base::ValidUtf8Until(text, 0));
}

std::string_view CutToWords(std::string_view text, uint32_t max_words) {
  bool is_in_word = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsBlank(text[i])) {
      if (is_in_word && --max_words == 0) return text.substr(0, i);
      is_in_word = false;
    } else {
      is_in_word = true;
    }
  }
  return text;
}

std::string WithSigns(const std::string& text, uint32_t signs) {
  std::string changed;
  for (const char c : text) {
    const int count = !IsSign(c) || signs == kSignsAsTheyAre ? 1
                      : signs == kNoSigns                    ? 0
                                                             : 2;
    changed.append(static_cast<size_t>(count), c);
  }
  return std::ranges::all_of(changed, IsBlank) ? text : changed;
}

void SetCase(std::string& text, uint32_t letter_case) {
  bool is_in_word = false;
  for (char& c : text) {
    const bool is_upper =
        letter_case == kUpperCase || (letter_case == kTitleCase && !is_in_word);
    is_in_word = !IsBlank(c);
    if (letter_case != kAsIs) c = is_upper ? ToUpper(c) : ToLower(c);
  }
}

// The draws of a segment, the same for everybody: what is secret before the
// session is which genes were drawn.
std::string ExpressSegment(const Segment& segment) {
  if (!segment.text.empty()) return segment.text;
  static const Key kKey = DerivePromptKey({}, "gene/1");
  Draws draws(kKey, segment.draw_idx);
  return Expand(GeneTemplates()[segment.template_idx],
                GeneWordLists(segment.language), draws);
}

uint32_t DrawBelow(Draws& draws, uint64_t bound) {
  return static_cast<uint32_t>(draws.Below(bound));
}

Segment DrawSegment(Draws& draws) {
  Segment segment;
  segment.language = DrawBelow(draws, kNumGeneLanguages);
  segment.template_idx = DrawBelow(draws, GeneTemplates().size());
  segment.draw_idx = DrawBelow(draws, kNumDraws);
  return segment;
}

void MutateModifier(Gene& gene, Draws& draws) {
  const size_t idx = draws.Below(kNumModifiers);
  const uint32_t other = DrawBelow(draws, NumValues(idx) - 1);
  gene.modifiers[idx] = other < gene.modifiers[idx] ? other : other + 1;
}

}  // namespace

uint32_t NumValues(size_t modifier_idx) {
  switch (static_cast<Modifier>(modifier_idx)) {
    case Modifier::kFrame:
      return static_cast<uint32_t>(GeneFrames().size());
    case Modifier::kSeparator:
      return static_cast<uint32_t>(GeneSeparators().size());
    case Modifier::kCase:
      return kNumCases;
    case Modifier::kSigns:
      return kNumSigns;
    case Modifier::kRepeats:
      return kNumRepeats;
    case Modifier::kWords:
      break;
  }
  return static_cast<uint32_t>(GeneWordLimits().size());
}

std::string ExpressGene(const Gene& gene) {
  const std::string_view separator =
      GeneSeparators()[ValueOf(gene, Modifier::kSeparator)];
  std::string body;
  for (size_t i = 0; i < gene.segments.size(); ++i) {
    const std::string text = ExpressSegment(gene.segments[i]);
    const bool is_last = i + 1 == gene.segments.size();
    const uint32_t count = is_last ? 1 + ValueOf(gene, Modifier::kRepeats) : 1;
    for (uint32_t k = 0; k < count; ++k) {
      if (!body.empty()) body += separator;
      body += text;
    }
  }
  const uint32_t max_words = GeneWordLimits()[ValueOf(gene, Modifier::kWords)];
  if (max_words > 0) body = CutToWords(body, max_words);
  SetCase(body, ValueOf(gene, Modifier::kCase));
  body = WithSigns(body, ValueOf(gene, Modifier::kSigns));
  const GeneFrame& frame = GeneFrames()[ValueOf(gene, Modifier::kFrame)];
  body.insert(0, frame.before);
  body += frame.after;
  return std::string(CutToBytes(body, kMaxTextBytes));
}

Gene DrawGene(Draws& draws) {
  Gene gene;
  for (size_t i = 0; i < kNumModifiers; ++i) {
    if (draws.Below(2) == 1) gene.modifiers[i] = DrawBelow(draws, NumValues(i));
  }
  const uint64_t num_segments = 1 + draws.Below(4);
  for (uint64_t i = 0; i < num_segments; ++i) {
    gene.segments.push_back(DrawSegment(draws));
  }
  return gene;
}

void MutateGene(Gene& gene, Draws& draws) {
  std::vector<Segment>& segments = gene.segments;
  const size_t idx = draws.Below(segments.size());
  const auto at = segments.begin() + static_cast<std::ptrdiff_t>(idx);
  const Segment fresh = DrawSegment(draws);
  const bool has_room = segments.size() < kMaxSegments;
  switch (draws.Below(8)) {
    case 0:
      if (has_room) segments.insert(at, fresh);
      break;
    case 1:
      if (segments.size() > 1) segments.erase(at);
      break;
    case 2:
      if (has_room) segments.insert(at, Segment(*at));
      break;
    case 3:
      std::swap(*at, segments[draws.Below(segments.size())]);
      break;
    case 4:
      *at = fresh;
      break;
    case 5:  // the same kind, other words
      if (at->text.empty()) at->draw_idx = fresh.draw_idx;
      break;
    case 6:
      if (at->text.empty()) at->language = fresh.language;
      break;
    default:
      MutateModifier(gene, draws);
  }
}

Gene CrossGenes(const Gene& first, const Gene& second, Draws& draws) {
  Gene child;
  for (size_t i = 0; i < kNumModifiers; ++i) {
    child.modifiers[i] = (draws.Below(2) == 0 ? first : second).modifiers[i];
  }
  const size_t num_first = 1 + draws.Below(first.segments.size());
  const size_t begin = draws.Below(second.segments.size());
  child.segments.assign(
      first.segments.begin(),
      first.segments.begin() + static_cast<std::ptrdiff_t>(num_first));
  for (size_t i = begin;
       i < second.segments.size() && child.segments.size() < kMaxSegments;
       ++i) {
    child.segments.push_back(second.segments[i]);
  }
  return child;
}

Gene AdoptPrompt(std::string_view prompt) {
  Gene gene;
  while (!prompt.empty() && gene.segments.size() < kMaxAdoptedLines) {
    const std::string_view line = prompt.substr(0, prompt.find('\n'));
    std::string_view piece = CutToBytes(line, kMaxSegmentTextBytes);
    if (piece.size() < line.size()) {
      const size_t last_blank = piece.rfind(' ');
      if (last_blank != piece.npos && last_blank > 0) {
        piece = piece.substr(0, last_blank);
      }
    }
    if (!piece.empty()) gene.segments.push_back({.text = std::string(piece)});
    prompt.remove_prefix(std::min(line.size() + 1, prompt.size()));
  }
  if (gene.segments.empty()) gene.segments.push_back({.text = "-"});
  if (gene.segments.size() > 1) {
    gene.modifiers[static_cast<size_t>(Modifier::kSeparator)] = kLineSeparator;
  }
  return gene;
}

}  // namespace revlm::challenge
