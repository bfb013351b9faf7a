// Prompts as genes: what an evolutionary search can vary, and how it becomes a
// text.
//
// A gene is a frame, one to six segments that stand in it, and how they are
// written. A segment is a template of the grammar (`gene_grammar.h`) with a
// language and the number of its draw, or a piece of text that another prompt
// system brought.
//
// Written as a parameter, and read back, it is
//
//   gene     := frame "." separator "." case "." signs "." repeats "." words
//               ( ";" segment )+
//   segment  := language "." template "." draw | "=" text
//   frame, separator, case, signs, repeats, words, language, template, draw :=
//               number without leading zeros
//   text     := ( byte of A-Z a-z 0-9 | "%" two digits of 0-9 A-F )*
//               one line of UTF-8 of at most 200 bytes
//
// Its text: the segments, the last one `repeats` + 1 times, with the separator
// between them, at most so many words, in that case, with or without ASCII
// signs, in the frame; at most 2 KiB.
//
// Threads: pure functions. Memory: some KiB. Errors: kInvalidArgument for what
// is not a gene. Determinism: the text is a function of the gene alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "challenge/draw.h"

namespace revlm::challenge {

struct Segment {
  uint32_t language = 0;
  uint32_t template_idx = 0;
  uint32_t draw_idx = 0;
  std::string text;  // not empty: this, and the numbers above are 0

  bool operator==(const Segment&) const = default;
};

// How a gene is written: each a number below `NumValues`.
enum class Modifier : uint8_t {
  kFrame,
  kSeparator,
  kCase,
  kSigns,
  kRepeats,
  kWords,
};
inline constexpr size_t kNumModifiers = 6;
uint32_t NumValues(size_t modifier_idx);

struct Gene {
  std::array<uint32_t, kNumModifiers> modifiers = {};  // by Modifier
  std::vector<Segment> segments;

  bool operator==(const Gene&) const = default;
};

inline constexpr size_t kMaxSegments = 6;
inline constexpr size_t kMaxSegmentTextBytes = 200;

std::string WriteGene(const Gene& gene);
Result<Gene> ReadGene(std::string_view text);

// Valid UTF-8, not empty. REQUIRES: a gene from the functions here.
std::string ExpressGene(const Gene& gene);

// Any gene of templates.
Gene DrawGene(Draws& draws);

// One change: a modifier, or a segment's draw, language or template, or a
// segment more, less, twice or elsewhere.
void MutateGene(Gene& gene, Draws& draws);

// Each modifier of either; the first segments of one, the last of the other.
Gene CrossGenes(const Gene& first, const Gene& second, Draws& draws);

// A gene that says what `prompt` begins with, cut where words or lines end.
Gene AdoptPrompt(std::string_view prompt);

}  // namespace revlm::challenge
