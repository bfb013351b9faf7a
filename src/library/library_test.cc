#include "library/library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "base/file.h"

namespace revlm::library {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LibraryTest : public ::testing::Test {
 protected:
  LibraryTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) /
              (std::string("library_") + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~LibraryTest() override { fs::remove_all(folder_); }

  std::string path() const { return (folder_ / "library.sqlite").string(); }

  Library Open(Access access = Access::kWrite) {
    auto opened = Library::Open(path(), access);
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }

  static Status Add(
      Library& library, const std::string& name,
      const std::vector<std::pair<int64_t, double>>& bounds = {}) {
    return library.Add(
        {.name = name,
         .family = "family of " + name,
         .is_family_named = true,
         .enrolled_utc = "2026-01-02T03:04:05Z"},
        {.revfp = "bytes of " + name, .brief = "brief of " + name}, bounds);
  }

  static Status Replace(Library& library, const std::string& name,
                        const std::string& revfp,
                        const std::vector<std::pair<int64_t, double>>& bounds) {
    return library.Replace(
        {.name = name, .family = "f", .is_family_named = true},
        {.revfp = revfp}, bounds);
  }

  static std::vector<std::string> NamesIn(const Library& library) {
    std::vector<std::string> names;
    const auto entries = library.References();
    EXPECT_TRUE(entries) << entries.error().message;
    for (const ReferenceEntry& entry : *entries) names.push_back(entry.name);
    return names;
  }

  fs::path folder_;
};

TEST_F(LibraryTest, KeepsReferencesInTheOrderOfEnrolment) {
  {
    Library library = Open();
    ASSERT_TRUE(Add(library, "b"));
    ASSERT_TRUE(Add(library, "a"));
  }
  const Library library = Open(Access::kRead);
  EXPECT_THAT(NamesIn(library), ElementsAre("b", "a"));
  const auto found = library.Find("a");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->family, "family of a");
  EXPECT_TRUE((*found)->is_family_named);
  EXPECT_EQ((*found)->enrolled_utc, "2026-01-02T03:04:05Z");
  EXPECT_EQ((*found)->size_bytes, std::string("bytes of a").size());
  EXPECT_EQ(library.ReadRevfp((*found)->id).value_or(""), "bytes of a");
  EXPECT_FALSE(*library.Find("c"));
}

TEST_F(LibraryTest, BytesAreKeptAsTheyAre) {
  Library library = Open();
  const std::string bytes("\0\xff 'a'\0;--", 10);
  ASSERT_TRUE(
      library.Add({.name = "n'--", .family = "f"}, {.revfp = bytes}, {}));
  const auto found = library.Find("n'--");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ(library.ReadRevfp((*found)->id).value_or(""), bytes);
}

TEST_F(LibraryTest, ANameIsTakenOnce) {
  Library library = Open();
  ASSERT_TRUE(Add(library, "a"));
  const Status again = Add(library, "a");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(again.error().message, HasSubstr("has a reference a"));
  EXPECT_THAT(again.error().message, HasSubstr("--replace"));
  EXPECT_THAT(NamesIn(library), ElementsAre("a"));
}

TEST_F(LibraryTest, PairsGoWithTheirReferences) {
  Library library = Open();
  ASSERT_TRUE(Add(library, "a"));
  const int64_t a = (*library.Find("a"))->id;
  ASSERT_TRUE(Add(library, "b", {{a, -1.5}}));
  const int64_t b = (*library.Find("b"))->id;
  ASSERT_TRUE(Add(library, "c", {{a, -2.5}, {b, 0}}));
  const auto pairs = library.ForeignPairs();
  ASSERT_TRUE(pairs);
  ASSERT_EQ(pairs->size(), 3U);
  EXPECT_EQ((*pairs)[0].log_p, -1.5);
  const int64_t c = (*library.Find("c"))->id;
  ASSERT_TRUE(Replace(library, "a", "new", {{c, -3.5}}));
  const auto left = library.ForeignPairs();
  ASSERT_TRUE(left);
  ASSERT_EQ(left->size(), 2U);
  EXPECT_EQ((*left)[0].a, b);
  EXPECT_EQ((*left)[1].a, c);
  EXPECT_EQ((*left)[1].log_p, -3.5);
  // Its number is not used again, and bounds of what is gone are passed over.
  EXPECT_GT((*library.Find("a"))->id, c);
  ASSERT_TRUE(Add(library, "d", {{a, -1}, {c, -2}}));
  EXPECT_EQ(library.ForeignPairs()->size(), 3U);
}

TEST_F(LibraryTest, BriefFormsGoWithTheirReferences) {
  Library library = Open();
  ASSERT_TRUE(Add(library, "a"));
  ASSERT_TRUE(Add(library, "b"));
  ASSERT_TRUE(Replace(library, "a", "new", {}));
  std::vector<std::string> seen;
  const auto note = [&](const ReferenceEntry& entry, std::string brief) {
    seen.push_back(entry.name + ": " + brief);
    return Status();
  };
  ASSERT_TRUE(library.ForEachBrief(note));
  EXPECT_THAT(seen, ElementsAre("b: brief of b", "a: "));
  const auto stop = [](const ReferenceEntry&, const std::string&) -> Status {
    return base::MakeError(ErrorCode::kCancelled, "enough");
  };
  EXPECT_EQ(library.ForEachBrief(stop).error().code, ErrorCode::kCancelled);
}

TEST_F(LibraryTest, WhatIsReadAtOneMomentIsOfOneMoment) {
  Library library = Open();
  ASSERT_TRUE(Add(library, "a"));
  const Library reader = Open(Access::kRead);
  const Status read = reader.AtOneMoment([&]() -> Status {
    EXPECT_THAT(NamesIn(reader), ElementsAre("a"));
    EXPECT_TRUE(Add(library, "b"));
    EXPECT_THAT(NamesIn(reader), ElementsAre("a"));
    return {};
  });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(NamesIn(reader), ElementsAre("a", "b"));
}

TEST_F(LibraryTest, PairsCountBetweenFamiliesThatUsersNamed) {
  Library library = Open();
  const auto add = [&](const std::string& name, const std::string& family,
                       bool is_named) {
    std::vector<std::pair<int64_t, double>> bounds;
    const auto others = library.References();
    EXPECT_TRUE(others) << others.error().message;
    for (const ReferenceEntry& other : *others)
      bounds.emplace_back(other.id, -1);
    EXPECT_TRUE(library.Add(
        {.name = name, .family = family, .is_family_named = is_named},
        {.revfp = "bytes"}, bounds));
  };
  add("a", "one", true);
  add("b", "two", true);
  add("c", "one", true);
  add("d", "d", false);    // new, or not known to be of a family
  add("e", "one", false);  // joined by a match
  const auto pairs = library.ForeignPairs();
  ASSERT_TRUE(pairs) << pairs.error().message;
  ASSERT_EQ(pairs->size(), 2U);
  EXPECT_EQ((*pairs)[0].a, 1);
  EXPECT_EQ((*pairs)[0].b, 2);
  EXPECT_EQ((*pairs)[1].a, 2);
  EXPECT_EQ((*pairs)[1].b, 3);
}

TEST_F(LibraryTest, APairOfAReferenceThatIsGoneIsNone) {
  Library library = Open();
  ASSERT_TRUE(Add(library, "a"));
  auto database = Database::Open(path(), Access::kWrite);
  ASSERT_TRUE(database);
  ASSERT_TRUE(database->Execute("INSERT INTO pair VALUES (1, 99, -50)"));
  const auto pairs = library.ForeignPairs();
  ASSERT_TRUE(pairs) << pairs.error().message;
  EXPECT_TRUE(pairs->empty());
}

TEST_F(LibraryTest, AnOlderOneIsBroughtUpToDate) {
  for (const Access access : {Access::kRead, Access::kWrite}) {
    fs::remove(path());
    {
      auto database = Database::Open(path(), Access::kWrite);
      ASSERT_TRUE(database);
      ASSERT_TRUE(database->Execute(R"(
CREATE TABLE reference (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  family TEXT NOT NULL,
  enrolled_utc TEXT NOT NULL,
  revfp BLOB NOT NULL);
CREATE TABLE pair (
  a INTEGER NOT NULL REFERENCES reference(id) ON DELETE CASCADE,
  b INTEGER NOT NULL REFERENCES reference(id) ON DELETE CASCADE,
  log_p REAL NOT NULL,
  PRIMARY KEY (a, b)) WITHOUT ROWID;
INSERT INTO reference VALUES (1, 'a', 'one', '2026-01-02T03:04:05Z', 'bytes');
INSERT INTO reference VALUES (2, 'b', 'two', '2026-01-02T03:04:05Z', 'bytes');
INSERT INTO pair VALUES (1, 2, -3);
PRAGMA user_version = 1;)"));
    }
    const Library library = Open(access);
    EXPECT_THAT(NamesIn(library), ElementsAre("a", "b"));
    const auto found = library.Find("b");
    ASSERT_TRUE(found && *found);
    // Nobody knows any more who named it.
    EXPECT_FALSE((*found)->is_family_named);
    EXPECT_EQ(library.ReadRevfp(2).value_or(""), "bytes");
    EXPECT_TRUE(library.ForeignPairs()->empty());
    // The pair is still there, and goes with its references.
    auto database = Database::Open(path(), Access::kWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->Execute("UPDATE reference SET is_family_named = 1"));
    ASSERT_EQ(library.ForeignPairs()->size(), 1U);
    EXPECT_EQ((*library.ForeignPairs())[0].log_p, -3);
    Library writer = Open();
    ASSERT_TRUE(Replace(writer, "b", "new", {}));
    EXPECT_TRUE(library.ForeignPairs()->empty());
  }
}

TEST_F(LibraryTest, WhatCannotBeReplacedStays) {
  Library library = Open();
  ASSERT_TRUE(Add(library, "a"));
  ASSERT_TRUE(Add(library, "b"));
  const int64_t a = (*library.Find("a"))->id;
  const int64_t b = (*library.Find("b"))->id;
  // No number, which the table refuses, after the old one was deleted.
  ASSERT_FALSE(Replace(library, "a", "new", {{b, std::nan("")}}));
  EXPECT_THAT(NamesIn(library), ElementsAre("a", "b"));
  EXPECT_EQ(library.ReadRevfp(a).value_or(""), "bytes of a");
  ASSERT_TRUE(Replace(library, "a", "new", {{b, -1}}));
  EXPECT_THAT(NamesIn(library), ElementsAre("b", "a"));
  EXPECT_EQ(library.ReadRevfp((*library.Find("a"))->id).value_or(""), "new");
}

TEST_F(LibraryTest, SightingsAreListedTheNewestFirst) {
  Library library = Open();
  for (const char* target : {"x", "y", "z"}) {
    ASSERT_TRUE(library.AddSighting({.seen_utc = "now",
                                     .target = target,
                                     .tensor_root = "r",
                                     .match = "m",
                                     .nearest = "n",
                                     .log_p = -3,
                                     .mean_cka = 0.5}));
  }
  const auto sightings = library.Sightings(2);
  ASSERT_TRUE(sightings);
  ASSERT_EQ(sightings->size(), 2U);
  EXPECT_EQ((*sightings)[0].target, "z");
  EXPECT_EQ((*sightings)[1].target, "y");
  EXPECT_EQ((*sightings)[0].log_p, -3);
  EXPECT_EQ((*sightings)[0].match, "m");
}

TEST_F(LibraryTest, TwoUseItAtOnce) {
  Library one = Open();
  Library two = Open();
  const Library reader = Open(Access::kRead);
  ASSERT_TRUE(Add(one, "a"));
  ASSERT_TRUE(Add(two, "b"));
  EXPECT_THAT(NamesIn(reader), ElementsAre("a", "b"));
  EXPECT_FALSE(Add(one, "b"));
}

TEST_F(LibraryTest, OneThatIsNotThereIsNotMadeByReading) {
  const auto opened = Library::Open(path(), Access::kRead);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(opened.error().message, HasSubstr(path()));
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(LibraryTest, WhatIsNoLibraryIsRefusedAndLeftAlone) {
  const std::string text(5000, 'x');
  ASSERT_TRUE(base::WriteFileAtomically(path(), text));
  for (const Access access : {Access::kRead, Access::kWrite}) {
    const auto opened = Library::Open(path(), access);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  }
  const auto file = base::OpenFile(path(), base::Caching::kPageCache);
  ASSERT_TRUE(file);
  EXPECT_EQ(base::ReadWholeFile(*file, 10'000).value_or(""), text);
}

TEST_F(LibraryTest, AnEmptyFileIsOneWithoutReferences) {
  ASSERT_TRUE(base::WriteFileAtomically(path(), ""));
  const auto read = Library::Open(path(), Access::kRead);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(read.error().message, HasSubstr("it is empty"));
  Library library = Open();
  EXPECT_TRUE(Add(library, "a"));
}

TEST_F(LibraryTest, WhatIsNoFileIsSaidToBeNone) {
  for (const Access access : {Access::kRead, Access::kWrite}) {
    for (const std::string& where :
         {std::string("/dev/null"), std::string("/"), folder_.string()}) {
      const auto opened = Library::Open(where, access);
      ASSERT_FALSE(opened) << where;
      EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
      EXPECT_THAT(opened.error().message, HasSubstr("--library"));
    }
  }
  const auto made =
      Library::Open((folder_ / "none/l.sqlite").string(), Access::kWrite);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(made.error().message, HasSubstr("--library"));
}

TEST_F(LibraryTest, ADatabaseOfSomethingElseIsLeftAlone) {
  {
    auto database = Database::Open(path(), Access::kWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->Execute("CREATE TABLE bookmarks (url TEXT)"));
  }
  const auto size = fs::file_size(path());
  for (const Access access : {Access::kRead, Access::kWrite}) {
    const auto opened = Library::Open(path(), access);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(opened.error().message, HasSubstr("something else"));
  }
  EXPECT_EQ(fs::file_size(path()), size);
}

TEST_F(LibraryTest, ANewerVersionIsNotTouched) {
  {
    Open();
  }
  {
    auto database = Database::Open(path(), Access::kWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->Execute("PRAGMA user_version = 7"));
  }
  for (const Access access : {Access::kRead, Access::kWrite}) {
    const auto opened = Library::Open(path(), access);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(opened.error().message, HasSubstr("version 7"));
  }
}

}  // namespace
}  // namespace revlm::library
