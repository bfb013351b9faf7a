#include "formats/model_ref.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/file.h"

namespace revlm::formats {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kA(40, 'a');
const std::string kB = "abbbbbb" + std::string(33, '0');
const std::string kC = "abbbbbbc" + std::string(32, '0');

class ModelRefTest : public ::testing::Test {
 protected:
  ModelRefTest()
      : root_(fs::canonical(::testing::TempDir()) / "revlm_model_ref_test") {
    fs::remove_all(root_);
    fs::create_directories(root_ / "home/models/pythia-70m");
    roots_.home = (root_ / "home").string();
    roots_.hf_hub_cache = (root_ / "first").string();
  }
  ~ModelRefTest() override { fs::remove_all(root_); }

  // Puts a model into a cache, `refs` as revision and commit.
  void AddModel(
      const std::string& cache, const std::string& folder,
      const std::vector<std::string>& commits,
      const std::vector<std::pair<std::string, std::string>>& refs = {}) {
    const fs::path model = root_ / cache / folder;
    for (const std::string& commit : commits) {
      fs::create_directories(model / "snapshots" / commit);
    }
    for (const auto& [revision, commit] : refs) {
      const fs::path ref = model / "refs" / revision;
      fs::create_directories(ref.parent_path());
      ASSERT_TRUE(base::WriteFileAtomically(ref.string(), commit));
    }
  }

  ResolvedModel Resolve(const std::string& reference) {
    auto model = ResolveModelRef(reference, roots_);
    EXPECT_TRUE(model) << model.error().message;
    return model.value_or(ResolvedModel{});
  }
  std::string CommitOf(const std::string& reference) {
    return Resolve(reference).commit.value_or("none");
  }
  Error ErrorOf(const std::string& reference) {
    auto model = ResolveModelRef(reference, roots_);
    EXPECT_FALSE(model) << reference;
    return model ? Error{} : model.error();
  }

  const fs::path root_;
  CacheRoots roots_;
};

TEST_F(ModelRefTest, ADirectoryIsItself) {
  const std::string path = (root_ / "home/models/pythia-70m").string();
  for (const std::string& reference :
       {path, path + "/", path + "/../pythia-70m/.",
        std::string("~/models/pythia-70m")}) {
    const ResolvedModel model = Resolve(reference);
    EXPECT_EQ(model.directory, path) << reference;
    EXPECT_EQ(model.name, "pythia-70m") << reference;
    EXPECT_FALSE(model.commit);
  }
  EXPECT_EQ(Resolve("/").name, "root");
  EXPECT_EQ(Resolve("base=" + path).name, "base");
  EXPECT_EQ(Resolve("base=" + path).directory, path);
}

TEST_F(ModelRefTest, ADirectoryOfTheCacheKnowsItsModelAndCommit) {
  AddModel("first", "models--org--name", {kA});
  const ResolvedModel model =
      Resolve((root_ / "first/models--org--name/snapshots" / kA).string());
  EXPECT_EQ(model.name, "name");
  EXPECT_EQ(model.model_id, "org/name");
  EXPECT_EQ(model.commit, kA);
}

TEST_F(ModelRefTest, AnExistingPathWinsOverEveryOtherReading) {
  const fs::path before = fs::current_path();
  fs::current_path(root_);
  for (const char* name : {"org/name", "mock:1", "hf:x", "a=b", "x@main"}) {
    fs::create_directories(name);
    EXPECT_EQ(Resolve(name).directory, (root_ / name).string());
  }
  fs::current_path(before);
}

TEST_F(ModelRefTest, AllHubSpellingsFindTheModel) {
  AddModel("first", "models--org--name", {kA}, {{"main", kA}});
  const std::string directory =
      (root_ / "first/models--org--name/snapshots" / kA).string();
  for (const char* reference : {"hf:org/name", "hf://org/name", "org/name",
                                "hf:org/name@main", "x=hf:org/name"}) {
    const ResolvedModel model = Resolve(reference);
    EXPECT_EQ(model.directory, directory) << reference;
    EXPECT_EQ(model.model_id, "org/name");
    EXPECT_EQ(model.commit, kA);
  }
  EXPECT_EQ(Resolve("org/name").name, "name");
  EXPECT_EQ(Resolve("x=org/name").name, "x");
  AddModel("first", "models--gpt2", {kA});
  EXPECT_EQ(Resolve("hf:gpt2").model_id, "gpt2");
}

TEST_F(ModelRefTest, CachesAreSearchedInOrder) {
  roots_.huggingface_hub_cache = (root_ / "second").string();
  roots_.hf_home = (root_ / "third").string();
  roots_.xdg_cache_home = (root_ / "fourth").string();
  for (const char* cache :
       {"home/.cache/huggingface/hub", "fourth/huggingface/hub", "third/hub",
        "second", "first"}) {
    AddModel(cache, "models--org--name", {kA});
    EXPECT_EQ(Resolve("org/name").directory,
              (root_ / cache / "models--org--name/snapshots" / kA).string());
  }
}

TEST_F(ModelRefTest, AMissNamesEveryPlaceInOrderAndTheClosestName) {
  roots_.hf_home = (root_ / "third").string();
  AddModel("third/hub", "models--EleutherAI--pythia-70m", {kA});
  const std::string r = root_.string();
  const Error error = ErrorOf("hf:EleutherAI/pythia-70n");
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_EQ(error.message,
            "looking for hf:EleutherAI/pythia-70n in " + r + "/first, then " +
                r + "/third/hub, then " + r +
                "/home/.cache/huggingface/hub: not there; did you mean "
                "hf:EleutherAI/pythia-70m?");
  EXPECT_THAT(ErrorOf("pythia-70m").message,
              HasSubstr("did you mean hf:EleutherAI/pythia-70m?"));
  roots_ = {};
  EXPECT_THAT(ErrorOf("hf:a/b").message, HasSubstr("try setting HF_HUB_CACHE"));
}

TEST_F(ModelRefTest, AMissingPathOffersTheClosestOne) {
  const Error error = ErrorOf("~/models/pythia-70n");
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message,
              HasSubstr("did you mean " +
                        (root_ / "home/models/pythia-70m").string() + "?"));
  EXPECT_THAT(ErrorOf("./a=b").message, HasSubstr("not there"));
}

TEST_F(ModelRefTest, ARevisionIsABranchATagARequestOrACommit) {
  AddModel("first", "models--org--name", {kA, kB, kC},
           {{"main", kA},
            {"v1.0", kB},
            {"feature/x", kC + "\n"},
            {"refs/pr/1", kB},
            {"deadbeef", kC}});
  EXPECT_EQ(CommitOf("org/name"), kA);
  EXPECT_EQ(CommitOf("org/name@main"), kA);
  EXPECT_EQ(CommitOf("org/name@v1.0"), kB);
  EXPECT_EQ(CommitOf("org/name@feature/x"), kC);
  EXPECT_EQ(CommitOf("org/name@refs/pr/1"), kB);
  EXPECT_EQ(CommitOf("org/name@" + kC), kC);
  EXPECT_EQ(CommitOf("org/name@aaaaaaa"), kA);
  EXPECT_EQ(CommitOf("org/name@abbbbbbc"), kC);
  EXPECT_EQ(CommitOf("org/name@deadbeef"), kC);
  EXPECT_THAT(
      ErrorOf("org/name@abbbbbb").message,
      AllOf(HasSubstr("several commits"), HasSubstr(kB), HasSubstr(kC)));
  const Error absent = ErrorOf("org/name@" + std::string(40, 'd'));
  EXPECT_EQ(absent.code, ErrorCode::kNotFound);
  EXPECT_THAT(absent.message, HasSubstr("snapshots there: " + kA + ", " + kB));
  EXPECT_EQ(ErrorOf("org/name@aaaaaa").code, ErrorCode::kNotFound);
  EXPECT_EQ(ErrorOf("org/name@none").code, ErrorCode::kNotFound);
  EXPECT_EQ(ErrorOf("org/name@feature").code, ErrorCode::kNotFound);
}

TEST_F(ModelRefTest, ARequestMayStandBesideTheRefs) {
  AddModel("first", "models--org--name", {kA, kB}, {{"pr/7", kB}});
  EXPECT_EQ(CommitOf("org/name@refs/pr/7"), kB);
}

TEST_F(ModelRefTest, WithoutMainTheOnlySnapshotIsTaken) {
  AddModel("first", "models--org--one", {kA});
  EXPECT_EQ(CommitOf("org/one"), kA);
  AddModel("first", "models--org--two", {kA, kB});
  const Error several = ErrorOf("org/two");
  EXPECT_EQ(several.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(several.message,
              AllOf(HasSubstr("several snapshots and no refs/main"),
                    HasSubstr(kA + ", " + kB)));
  AddModel("first", "models--org--none", {"not-a-commit"});
  EXPECT_THAT(ErrorOf("org/none").message, HasSubstr("no snapshots there"));
}

TEST_F(ModelRefTest, AMainThatWasNotFetchedIsNotReplacedByAnother) {
  AddModel("first", "models--org--name", {kA}, {{"main", kB}});
  EXPECT_THAT(ErrorOf("org/name").message,
              HasSubstr("commit " + kB + " (main)"));
}

TEST_F(ModelRefTest, ADamagedRefIsCorrupt) {
  for (const std::string& content :
       {std::string(), std::string("main"), "../../" + kA, kA + kA}) {
    AddModel("first", "models--org--name", {kA}, {{"main", content}});
    EXPECT_EQ(ErrorOf("org/name").code, ErrorCode::kCorrupt) << content;
  }
}

TEST_F(ModelRefTest, NoReferenceLeadsOutOfTheCache) {
  fs::create_directories(root_ / "first/models--..--..");
  fs::create_directories(root_ / "snapshots" / kA);
  AddModel("first", "models--org--name", {kA});
  ASSERT_TRUE(base::WriteFileAtomically((root_ / "commit").string(), kA));
  fs::create_symlink(root_ / "commit",
                     root_ / "first/models--org--name/linked");
  fs::create_directories(root_ / "first/models--org--name/refs");
  fs::create_symlink(root_ / "commit",
                     root_ / "first/models--org--name/refs/outside");
  for (const std::string& reference :
       {std::string("hf:../name"),
        std::string("hf:org/.."),
        std::string("hf:../.."),
        std::string("hf:org/name/../.."),
        std::string("hf:org/a/b"),
        std::string("hf:/etc/passwd"),
        std::string("hf:"),
        std::string("hf:org/"),
        std::string("hf:/name"),
        std::string("hf:org/na me"),
        std::string("hf:org/n--m"),
        std::string("hf:org/name@../../../../commit"),
        std::string("hf:org/name@/etc/passwd"),
        std::string("hf:org/name@"),
        std::string("hf:org/name@a//b"),
        std::string("hf:org/name@a/./b"),
        std::string("org/name\0x", 10),
        std::string("a\nb/c"),
        "hf:org/" + std::string(97, 'n'),
        std::string(5000, 'a'),
        std::string()}) {
    EXPECT_EQ(ErrorOf(reference).code, ErrorCode::kInvalidArgument)
        << reference;
  }
  EXPECT_EQ(ErrorOf("org/name@outside").code, ErrorCode::kNotFound);
}

TEST_F(ModelRefTest, FormsOfLaterVersionsAreRefusedByName) {
  for (const char* reference :
       {"ollama:llama3", "http://h/v1", "https://h#m", "openai:gpt", "ref:x",
        "run:dir", "mock:1,fail=0.1", "x.gguf", "./x.gguf", "hf:o/n#q4",
        "o/n#q4"}) {
    const Error error = ErrorOf(reference);
    EXPECT_EQ(error.code, ErrorCode::kUnsupported) << reference;
    EXPECT_THAT(error.message, HasSubstr("not supported yet")) << reference;
  }
  ASSERT_TRUE(
      base::WriteFileAtomically((root_ / "home/m.gguf").string(), "GGUF"));
  EXPECT_EQ(ErrorOf("~/m.gguf").code, ErrorCode::kUnsupported);
}

TEST_F(ModelRefTest, OtherMistakesAreExplained) {
  EXPECT_THAT(ErrorOf("s3:bucket/x").message, HasSubstr("allowed are a"));
  EXPECT_THAT(ErrorOf("b@d=org/name").message, HasSubstr("not an alias"));
  EXPECT_THAT(ErrorOf("=org/name").message, HasSubstr("not an alias"));
  EXPECT_THAT(ErrorOf(std::string(65, 'a') + "=org/name").message,
              HasSubstr("not an alias"));
  EXPECT_THAT(ErrorOf("~/models/pythia-70m@main").message,
              HasSubstr("a directory has no revisions"));
  ASSERT_TRUE(
      base::WriteFileAtomically((root_ / "home/config.json").string(), "{}"));
  EXPECT_THAT(ErrorOf("~/config.json").message, HasSubstr("try the one it is"));
}

}  // namespace
}  // namespace revlm::formats
