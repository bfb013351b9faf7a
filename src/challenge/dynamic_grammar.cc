#include "challenge/dynamic_grammar.h"

#include <fmt/format.h>

#include "challenge/sentences.h"

namespace revlm::challenge {

DynamicComposer::DynamicComposer(const DynamicDomain& domain, Draws& draws)
    : lists_(domain.vocabulary.begin(), domain.vocabulary.end()),
      draws_(draws) {
  for (const std::span<const WordList> more : {DynamicParts(), CommonWords()}) {
    lists_.insert(lists_.end(), more.begin(), more.end());
  }
}

std::string DynamicComposer::Expanded(std::string_view text) {
  return Expand(text, lists_, draws_);
}

std::string DynamicComposer::Clauses(uint64_t num_clauses) {
  std::string parts = "{main}";
  for (uint64_t i = 1; i < num_clauses; ++i) {
    // Remembered, so that no two of them are joined alike.
    parts += fmt::format("{{more:{}}}", static_cast<char>('a' + i));
  }
  return Capitalised(Expanded(parts));
}

std::string DynamicComposer::Statements(uint64_t count, uint64_t num_clauses) {
  std::string text;
  for (uint64_t i = 0; i < count; ++i) text += Clauses(num_clauses) + ". ";
  return text;
}

std::string Capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] ^= 0x20;
  return text;
}

}  // namespace revlm::challenge
