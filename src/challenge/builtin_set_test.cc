#include "challenge/builtin_set.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "crypto/sha256.h"

namespace revlm::challenge {
namespace {

TEST(BuiltinSetTest, HoldsAtLeastFiftyDifferentPromptsUnderDifferentIds) {
  std::set<std::string_view> ids;
  std::set<std::string_view> texts;
  for (const BuiltinPrompt& prompt : BuiltinPrompts()) {
    EXPECT_TRUE(ids.insert(prompt.id).second) << prompt.id;
    EXPECT_TRUE(texts.insert(prompt.text).second) << prompt.id;
    EXPECT_FALSE(prompt.text.empty()) << prompt.id;
    EXPECT_TRUE(base::IsValidUtf8(prompt.text)) << prompt.id;
  }
  EXPECT_GE(ids.size(), 50u);
}

TEST(BuiltinSetTest, NeighboursAreOfDifferentKinds) {
  std::string_view previous;
  for (const BuiltinPrompt& prompt : BuiltinPrompts()) {
    const std::string_view kind = prompt.id.substr(0, prompt.id.find('-'));
    EXPECT_NE(kind, previous) << prompt.id;
    previous = kind;
  }
}

TEST(BuiltinSetTest, PublishedPromptsNeverChange) {
  // Appending prompts keeps this; changing, removing or reordering does not.
  constexpr size_t kPublished = 64;
  ASSERT_GE(BuiltinPrompts().size(), kPublished);
  std::string all;
  for (const BuiltinPrompt& prompt : BuiltinPrompts().first(kPublished)) {
    all.append(prompt.id).append("\n").append(prompt.text).append("\n");
  }
  EXPECT_EQ(base::ToHex(crypto::Sha256(base::AsBytes(all))),
            "0f886cad9d87f0c2cd0808f1259e545c129ec9c7c1a84e27f7be9d3d4eca814b");
}

}  // namespace
}  // namespace revlm::challenge
