#include "challenge/gene.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "challenge/expand_testing.h"
#include "challenge/gene_grammar.h"
#include "crypto/sha256.h"

namespace revlm::challenge {
namespace {

using ::testing::HasSubstr;

Gene GeneOf(uint64_t idx) {
  Draws draws({}, idx);
  return DrawGene(draws);
}

Gene Saying(const std::vector<std::string>& texts) {
  Gene gene;
  for (const std::string& text : texts) gene.segments.push_back({.text = text});
  return gene;
}

void Set(Gene& gene, Modifier modifier, uint32_t value) {
  gene.modifiers[static_cast<size_t>(modifier)] = value;
}

// Changes only together with the name of the system.
TEST(GeneTest, TheGrammarOfAVersionNeverChanges) {
  std::string all = "evolutionary/1\n";
  for (const GeneFrame& frame : GeneFrames()) {
    all.append(frame.before).append("|").append(frame.after).append("\n");
  }
  for (const std::string_view item : GeneSeparators()) all.append(item) += '\n';
  for (const std::string_view item : GeneTemplates()) all.append(item) += '\n';
  for (const uint32_t limit : GeneWordLimits()) {
    all += std::to_string(limit) + "\n";
  }
  for (uint32_t language = 0; language < kNumGeneLanguages; ++language) {
    for (const WordList& list : GeneWordLists(language)) {
      all.append(list.name).append(" ").append(list.words).append("\n");
    }
  }
  EXPECT_EQ(base::ToHex(crypto::Sha256(base::AsBytes(all))),
            "d24717cd810205fc5f7c108378c1e68cc65c7a3cd9fda764250f29b56ced57e4");
}

TEST(GeneTest, WhatIsWrittenIsReadBack) {
  std::set<std::string> written;
  for (uint64_t i = 0; i < 2000; ++i) {
    Gene gene = GeneOf(i);
    if (i % 3 == 0) gene.segments[0] = {.text = "100 % né;=.\xF0\x9F\x98\x80"};
    const std::string text = WriteGene(gene);
    const auto read = ReadGene(text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, gene);
    written.insert(text);
  }
  EXPECT_GT(written.size(), 1900u);
}

TEST(GeneTest, WhatIsNoGeneIsRefused) {
  for (const char* text :
       {"",
        ";",
        "0.0.0.0.0.0",
        "0.0.0.0.0.0;",
        "0.0.0.0.0;0.0.0",
        "0.0.0.0.0.0.0;0.0.0",
        "20.0.0.0.0.0;0.0.0",
        "0.0.4.0.0.0;0.0.0",
        "00.0.0.0.0.0;0.0.0",
        "0.0.0.0.0.0;8.0.0",
        "0.0.0.0.0.0;0.36.0",
        "0.0.0.0.0.0;0.0.4294967296",
        "0.0.0.0.0.0;0.0",
        "0.0.0.0.0.0;0.0.-1",
        "0.0.0.0.0.0;=",
        "0.0.0.0.0.0;=%FF",
        "0.0.0.0.0.0;=%0A",
        "0.0.0.0.0.0;=%4",
        "0.0.0.0.0.0;=%",
        "0.0.0.0.0.0;=%+4",
        "0.0.0.0.0.0;=a b",
        "0.0.0.0.0.0;=%41",
        "0.0.0.0.0.0;=%c3%a9",
        "0.0.0.0.0.0;0.0.0;",
        "0.0.0.0.0.0;0.0.0;0.0.0;0.0.0;0.0.0;0.0.0;0.0.0;0.0.0"}) {
    const auto gene = ReadGene(text);
    ASSERT_FALSE(gene) << text;
    EXPECT_EQ(gene.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(gene.error().message, HasSubstr("reading a gene: found \""));
  }
  EXPECT_FALSE(ReadGene("0.0.0.0.0.0;=" + std::string(201, 'a')));
  EXPECT_TRUE(ReadGene("0.0.0.0.0.0;=" + std::string(200, 'a')));
}

TEST(GeneTest, ATextIsASegmentsAfterTheOtherInAFrame) {
  Gene gene = Saying({"One two,", "three!"});
  EXPECT_EQ(ExpressGene(gene), "One two, three!");
  Set(gene, Modifier::kFrame, 4);
  EXPECT_EQ(ExpressGene(gene), "Q: One two, three!\nA:");
  Set(gene, Modifier::kSeparator, 4);
  Set(gene, Modifier::kRepeats, 1);
  EXPECT_EQ(ExpressGene(gene), "Q: One two, | three! | three!\nA:");
  Set(gene, Modifier::kCase, 2);
  EXPECT_EQ(ExpressGene(gene), "Q: ONE TWO, | THREE! | THREE!\nA:");
  Set(gene, Modifier::kCase, 3);
  Set(gene, Modifier::kSigns, 1);
  EXPECT_EQ(ExpressGene(gene), "Q: One Two  Three  Three\nA:");
  Set(gene, Modifier::kSigns, 2);
  Set(gene, Modifier::kWords, 1);
  EXPECT_EQ(ExpressGene(gene), "Q: One Two,, || Three!!\nA:");
  EXPECT_EQ(ExpressGene([] {
              Gene signs = Saying({"?!"});
              Set(signs, Modifier::kSigns, 1);
              return signs;
            }()),
            "?!");
}

TEST(GeneTest, EveryTextIsModestAndValid) {
  Draws draws({}, 1);
  for (uint64_t i = 0; i < 3000; ++i) {
    Gene gene = GeneOf(i);
    for (uint64_t k = 0; k < i % 40; ++k) MutateGene(gene, draws);
    if (i % 2 == 1) gene = CrossGenes(gene, GeneOf(i + 5000), draws);
    const std::string text = ExpressGene(gene);
    EXPECT_FALSE(text.empty());
    EXPECT_LE(text.size(), 2048u);
    EXPECT_TRUE(base::IsValidUtf8(text)) << text;
    EXPECT_GE(gene.segments.size(), 1u);
    EXPECT_LE(gene.segments.size(), kMaxSegments);
    EXPECT_TRUE(ReadGene(WriteGene(gene)));
    for (const char c : text) {
      EXPECT_TRUE(static_cast<unsigned char>(c) >= ' ' || c == '\n') << text;
    }
  }
}

TEST(GeneTest, EveryPartOfTheGrammarIsDrawnAndReachedByMutation) {
  std::set<std::pair<size_t, uint32_t>> values;
  std::set<uint32_t> templates;
  std::set<uint32_t> languages;
  Gene gene = GeneOf(0);
  Draws draws({}, 2);
  for (int i = 0; i < 20'000; ++i) {
    MutateGene(gene, draws);
    for (size_t m = 0; m < kNumModifiers; ++m) {
      values.insert({m, gene.modifiers[m]});
    }
    for (const Segment& segment : gene.segments) {
      templates.insert(segment.template_idx);
      languages.insert(segment.language);
    }
  }
  size_t num_values = 0;
  for (size_t m = 0; m < kNumModifiers; ++m) num_values += NumValues(m);
  EXPECT_EQ(values.size(), num_values);
  EXPECT_EQ(templates.size(), GeneTemplates().size());
  EXPECT_EQ(languages.size(), kNumGeneLanguages);
}

TEST(GeneTest, AChildHasOfBothParents) {
  const Gene first = Saying({"a", "b", "c"});
  Gene second = Saying({"x", "y", "z"});
  for (size_t m = 0; m < kNumModifiers; ++m) second.modifiers[m] = 1;
  std::set<std::string> segments;
  std::set<std::pair<size_t, uint32_t>> modifiers;
  for (uint64_t i = 0; i < 200; ++i) {
    Draws draws({}, i);
    const Gene child = CrossGenes(first, second, draws);
    EXPECT_EQ(child.segments.front().text, "a");
    EXPECT_EQ(child.segments.back().text, "z");
    for (const Segment& segment : child.segments) segments.insert(segment.text);
    for (size_t m = 0; m < kNumModifiers; ++m) {
      modifiers.insert({m, child.modifiers[m]});
    }
  }
  EXPECT_EQ(segments.size(), 6u);
  EXPECT_EQ(modifiers.size(), 2 * kNumModifiers);
}

TEST(GeneTest, AnAdoptedPromptSaysWhatItBeginsWith) {
  EXPECT_EQ(ExpressGene(AdoptPrompt("Q: why?\nA:")), "Q: why?\nA:");
  EXPECT_EQ(ExpressGene(AdoptPrompt("a\n\nb\nc\nd")), "a\nb\nc");
  EXPECT_EQ(ExpressGene(AdoptPrompt("\n")), "-");
  std::string words;
  while (words.size() < 1000) words += "words ";
  EXPECT_EQ(ExpressGene(AdoptPrompt(words)), words.substr(0, 197));
  std::string wide;
  while (wide.size() < 1000) wide += "\u20AC";
  EXPECT_EQ(ExpressGene(AdoptPrompt(wide)), wide.substr(0, 198));
}

TEST(GeneTest, EveryListHasNoWordTwice) {
  for (uint32_t language = 0; language < kNumGeneLanguages; ++language) {
    ExpectNoWordTwice(GeneWordLists(language));
  }
}

}  // namespace
}  // namespace revlm::challenge
