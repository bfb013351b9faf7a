// Challenges kept in tests/data/challenge, byte for byte.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <span>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "challenge/system.h"

namespace revlm::challenge {

inline std::string LineOf(const Challenge& challenge) {
  base::Json parameters = base::Json::array();
  for (const Parameter& parameter : challenge.parameters) {
    parameters.push_back({parameter.name, parameter.value});
  }
  return base::Json{{"id", challenge.id},
                    {"text", challenge.text},
                    {"system", challenge.system},
                    {"parameters", parameters},
                    {"rationale", challenge.rationale}}
             .dump() +
         "\n";
}

// With REVLM_WRITE_GOLDEN set, for a new version of what made them, writes the
// file instead.
inline void ExpectAsKept(const std::string& file_name,
                         std::span<const Challenge> challenges) {
  const std::string path = REVLM_TEST_DATA "/challenge/" + file_name;
  std::string found;
  for (const Challenge& challenge : challenges) found += LineOf(challenge);
  if (std::getenv("REVLM_WRITE_GOLDEN") != nullptr) {
    ASSERT_TRUE(base::WriteFileAtomically(path, found));
    GTEST_SKIP() << "wrote " << path;
  }
  const auto file = base::OpenFile(path, base::Caching::kPageCache);
  ASSERT_TRUE(file) << file.error().message;
  const auto kept = base::ReadWholeFile(*file, 1 << 20);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(found, *kept) << "REVLM_WRITE_GOLDEN=1 writes it anew";
}

}  // namespace revlm::challenge
