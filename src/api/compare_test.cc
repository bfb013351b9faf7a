#include "revlm/compare.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "support/files.h"
#include "support/models.h"

namespace revlm {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class CompareTest : public ::testing::Test {
 protected:
  CompareTest() {
    std::string pattern = ::testing::TempDir() + "revlm-compare-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~CompareTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // Of the examples, or packed in the test data.
  static std::string ModelAt(const std::string& name) {
    const std::string example = std::string(REVLM_EXAMPLES) + "/models/" + name;
    if (std::filesystem::exists(example)) return example;
    return testing::UnpackModel(std::string(REVLM_TEST_DATA) + "/zoo/" + name)
        .value();
  }

  CompareOptions Options(const std::vector<std::string>& models) const {
    CompareOptions options;
    for (const std::string& name : models) {
      options.models.push_back(name + "=" + ModelAt(name));
    }
    options.num_challenges = 20;
    options.num_threads = 1;
    options.output_dir = folder_ + "/d";
    return options;
  }

  std::string folder_;
};

TEST_F(CompareTest, ModelsOfTwoFamiliesAreDifferent) {
  const auto found = Compare(Options({"aster-s0", "briar-s0"}));
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->pairs.size(), 1u);
  const PairComparison& pair = found->pairs[0];
  EXPECT_EQ(pair.verdict, Verdict::kDifferent) << pair.reason;
  EXPECT_EQ(pair.error_bound, 0.01);
  ASSERT_TRUE(pair.behaviour);
  EXPECT_EQ(pair.behaviour->scale, Scale::kTokens);
  EXPECT_GT(pair.behaviour->divergence.nats, 0.1);
  EXPECT_GT(pair.behaviour->divergence.lower, 1e-3);
  EXPECT_LT(pair.num_used, 20);
  EXPECT_EQ(found->worst, Verdict::kDifferent);
}

TEST_F(CompareTest, OtherTokenizersAreComparedByBytes) {
  const auto found = Compare(Options({"aster-s0", "cedar-s0"}));
  ASSERT_TRUE(found) << found.error().message;
  const PairComparison& pair = found->pairs[0];
  ASSERT_TRUE(pair.behaviour);
  EXPECT_EQ(pair.behaviour->scale, Scale::kFirstBytes);
  EXPECT_EQ(pair.behaviour->num_prompts, 20);
  EXPECT_EQ(pair.verdict, Verdict::kDifferent) << pair.reason;
  EXPECT_THAT(pair.reason, HasSubstr("not comparable"));
}

TEST_F(CompareTest, TheSameWeightsAreSameWhateverTheyAreAsked) {
  const auto found = Compare(Options({"aster-s0", "aster-s0"}));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->pairs[0].verdict, Verdict::kSame);
  EXPECT_EQ(found->pairs[0].a, "aster-s0");
  EXPECT_EQ(found->pairs[0].b, "aster-s0-2");
  EXPECT_EQ(found->pairs[0].behaviour->divergence.nats, 0);
  EXPECT_EQ(found->pairs[0].behaviour->mirror.nats, 0);
}

TEST_F(CompareTest, WhatIsKeptExplainsItself) {
  const auto found = Compare(Options({"aster-s0", "briar-s0", "cedar-s0"}));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->run_dir, folder_ + "/d");
  const auto explained = Explain({.run = folder_ + "/d"});
  ASSERT_TRUE(explained) << explained.error().message;
  ASSERT_EQ(explained->pairs.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(explained->pairs[i].verdict, found->pairs[i].verdict);
    EXPECT_EQ(explained->pairs[i].reason, found->pairs[i].reason);
    EXPECT_EQ(explained->pairs[i].behaviour->log_e,
              found->pairs[i].behaviour->log_e);
  }
}

// Four that were trained apart, and a fine-tune of the first.
TEST_F(CompareTest, ModelsTrainedApartHaveNoRelatedBehaviour) {
  const auto found = Compare(Options({"aster-s0", "asterl-s0", "briar-s0",
                                      "dahlia-s0", "aster-s0-ft-quotes"}));
  ASSERT_TRUE(found) << found.error().message;
  const auto explained = Explain({.run = folder_ + "/d"});
  ASSERT_TRUE(explained) << explained.error().message;
  for (size_t i = 0; i < found->pairs.size(); ++i) {
    const PairComparison& pair = found->pairs[i];
    const auto& nearness = pair.behaviour->nearness;
    const bool has_relative = pair.a == "aster-s0" || pair.b == "aster-s0" ||
                              pair.b == "aster-s0-ft-quotes";
    ASSERT_EQ(nearness.has_value(), pair.verdict == Verdict::kDifferent);
    if (!nearness) continue;
    // Of ten: not this one, the relatives, or theirs with the other model.
    EXPECT_EQ(nearness->num_pairs, has_relative ? 7 : 8) << pair.a << pair.b;
    EXPECT_FALSE(nearness->is_shown) << pair.reason;
    EXPECT_EQ(explained->pairs[i].behaviour->nearness->log_e, nearness->log_e);
    EXPECT_EQ(explained->pairs[i].behaviour->nearness->ratio, nearness->ratio);
  }
}

TEST_F(CompareTest, EvidenceOfPromptsThatTakeTooMuchRoomIsRefused) {
  ASSERT_TRUE(Compare(Options({"aster-s0", "briar-s0"})));
  const auto replace = [&](const std::string& name, const std::string& from,
                           const std::string& to) {
    std::ifstream in(folder_ + "/d/" + name);
    std::string text(std::istreambuf_iterator<char>(in), {});
    const size_t place = text.find(from);
    ASSERT_NE(place, std::string::npos) << text;
    text.replace(place, from.size(), to);
    std::ofstream(folder_ + "/d/" + name) << text;
  };
  replace("evidence.jsonl", "\"prompt_idx\":19,", "\"prompt_idx\":99999999,");
  const auto beyond = Explain({.run = folder_ + "/d"});
  ASSERT_FALSE(beyond);
  EXPECT_THAT(beyond.error().message, HasSubstr("not next"));
  replace("verdicts.json", "\n \"num_prompts\": 20,",
          "\n \"num_prompts\": 100000000,");
  const auto large = Explain({.run = folder_ + "/d"});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(large.error().message, HasSubstr("too few before it"));
}

TEST_F(CompareTest, InRoundsEveryPairIsAskedUntilItIsDecided) {
  CompareOptions options = Options({"aster-s0", "briar-s0", "cedar-s0"});
  options.orchestration.emplace();
  options.num_challenges = 100;
  double last = 0;
  bool goes_back = false;
  options.on_event = [&](const RunEvent& event) {
    if (event.kind != RunEvent::Kind::kProgress) return;
    goes_back = goes_back || event.fraction < last || event.fraction > 1;
    last = event.fraction;
  };
  const auto found = Compare(options);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_FALSE(goes_back);
  EXPECT_LT(found->num_prompts, 100);
  ASSERT_TRUE(found->adaptive);
  EXPECT_EQ(found->adaptive->rounds.front().num_prompts, 8);
  EXPECT_EQ(found->adaptive->rounds.back().num_undecided, 0);
  int64_t num_made = 0;
  for (const PromptSystemReport& system : found->adaptive->systems) {
    num_made += system.num_prompts;
    EXPECT_EQ(system.failure, "");
  }
  EXPECT_EQ(num_made, found->num_prompts);
  const auto explained = Explain({.run = folder_ + "/d"});
  ASSERT_TRUE(explained) << explained.error().message;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(found->pairs[i].verdict, Verdict::kDifferent);
    EXPECT_EQ(explained->pairs[i].num_used, found->pairs[i].num_used);
  }
}

TEST_F(CompareTest, InRoundsNobodyIsAskedWhatCannotBeCompared) {
  CompareOptions options = Options({"aster-s0", "aster-s0"});
  options.orchestration.emplace();
  options.num_challenges = 0;
  const auto found = Compare(options);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->num_prompts, 0);
  EXPECT_FALSE(found->pairs[0].behaviour);
}

// 1,000 prompts take 3 to 4 s of CPU, most of it for logits.
TEST_F(CompareTest, TheCostOfManyPromptsIsForetold) {
  CompareOptions options = Options({"aster-s0", "briar-s0"});
  options.num_challenges = 1000;
  std::stop_source stop;
  options.stop = stop.get_token();
  std::string notice;
  options.on_event = [&](const RunEvent& event) {
    if (event.kind != RunEvent::Kind::kNotice) return;
    notice = event.message;
    stop.request_stop();
  };
  ASSERT_FALSE(Compare(options));
  const size_t about = notice.find("about ");
  ASSERT_NE(about, std::string::npos) << notice;
  const double seconds = std::stod(notice.substr(about + 6));
  EXPECT_GT(seconds, 2);
  EXPECT_LT(seconds, 12);
}

TEST_F(CompareTest, TellsWhatItCostsAndHowFarItIs) {
  CompareOptions options = Options({"aster-s0", "briar-s0"});
  std::vector<std::string> notices;
  double last = 0;
  bool goes_back = false;
  options.on_event = [&](const RunEvent& event) {
    if (event.kind == RunEvent::Kind::kNotice) notices.push_back(event.message);
    if (event.kind != RunEvent::Kind::kProgress) return;
    goes_back = goes_back || event.fraction < last || event.fraction > 1;
    last = event.fraction;
  };
  ASSERT_TRUE(Compare(options));
  ASSERT_FALSE(notices.empty());
  EXPECT_THAT(notices.front(), HasSubstr("2 models, 1 pair, on 20 prompts"));
  EXPECT_FALSE(goes_back);
  EXPECT_GT(last, 0.5);
}

TEST_F(CompareTest, StoppedItLeavesNothing) {
  CompareOptions options = Options({"aster-s0", "briar-s0"});
  std::stop_source stop;
  options.stop = stop.get_token();
  options.on_event = [&](const RunEvent&) { stop.request_stop(); };
  const auto found = Compare(options);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/d"));
}

// Stops and starts again until the end; each time it comes to the next pair's
// weights, or a round and more further. Returns how often it was stopped.
int StopAgainAndAgain(CompareOptions options, int64_t num_further) {
  for (int num_stopped = 0; num_stopped < 100; ++num_stopped) {
    std::stop_source stop;
    options.stop = stop.get_token();
    std::map<std::string, int64_t> first;  // by phase, what was finished
    options.on_event = [&](const RunEvent& event) {
      if (event.kind != RunEvent::Kind::kProgress) return;
      const int64_t before =
          first.try_emplace(event.phase, event.num_finished).first->second;
      if (event.num_finished >
          before + (event.phase == "weights" ? 0 : num_further)) {
        stop.request_stop();
      }
    };
    options.batch_size = 1 + num_stopped % 5;
    const auto found = Compare(options);
    if (found) return num_stopped;
    EXPECT_EQ(found.error().code, ErrorCode::kCancelled)
        << found.error().message;
  }
  return -1;
}

TEST_F(CompareTest, GoesOnWhereItWasStopped) {
  CompareOptions options = Options({"aster-s0", "briar-s0", "cedar-s0"});
  options.prompts = {std::string(5000, 'x')};  // no model can be asked
  options.num_challenges.reset();
  for (int i = 0; i < 20; ++i) {
    options.prompts.push_back("Once, in the year " + std::to_string(i));
  }
  const auto whole = Compare(options);
  ASSERT_TRUE(whole) << whole.error().message;
  const auto files = testing::FilesIn(options.output_dir);
  options.output_dir = folder_ + "/stopped";
  options.round_size = 6;
  EXPECT_GE(StopAgainAndAgain(options, 3 * 6), 4);
  EXPECT_EQ(testing::FilesIn(options.output_dir), files);
  EXPECT_GT(whole->pairs[0].behaviour->num_failed, 0);
}

TEST_F(CompareTest, GoesOnChoosingWhereItWasStopped) {
  CompareOptions options = Options({"aster-s0", "aster-s0"});
  options.orchestration.emplace();
  options.num_challenges = 40;
  ASSERT_TRUE(Compare(options));
  const auto files = testing::FilesIn(options.output_dir);
  options.output_dir = folder_ + "/stopped";
  EXPECT_GE(StopAgainAndAgain(options, 2 * 16), 2);
  EXPECT_EQ(testing::FilesIn(options.output_dir), files);
}

TEST_F(CompareTest, TheSameCommandGoesOnAndAnotherDoesNot) {
  CompareOptions options = Options({"aster-s0", "briar-s0"});
  options.output_dir.clear();
  options.runs_dir = folder_ + "/runs";
  options.round_size = 5;
  std::vector<std::string> notices;
  const auto compare = [&](CompareOptions of, bool stops) {
    std::stop_source stop;
    of.stop = stop.get_token();
    of.on_event = [&](const RunEvent& event) {
      if (event.kind == RunEvent::Kind::kNotice) {
        notices.push_back(event.message);
      }
      if (stops && event.num_finished > 0) stop.request_stop();
    };
    notices.clear();
    return Compare(of);
  };
  const auto stopped = compare(options, true);
  ASSERT_FALSE(stopped);
  EXPECT_THAT(stopped.error().message, HasSubstr("the same command goes on"));
  const auto unfinished = [&] {
    std::vector<std::string> names;
    for (const auto& run :
         std::filesystem::directory_iterator(options.runs_dir)) {
      if (std::filesystem::exists(run.path() / "unfinished")) {
        names.push_back(run.path());
      }
    }
    return names;
  };
  ASSERT_EQ(unfinished().size(), 1u);
  const std::string directory = unfinished().front();

  CompareOptions other = options;
  other.seed = 1;
  const auto of_other = compare(other, false);
  ASSERT_TRUE(of_other);
  EXPECT_NE(of_other->run_dir, directory);
  other.output_dir = directory;
  const auto refused = compare(other, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("seed: 0 there, 1 asked"));
  const auto explained = Explain({.run = directory});
  ASSERT_FALSE(explained);
  EXPECT_THAT(explained.error().message, HasSubstr("not finished"));

  const auto finished = compare(options, false);
  ASSERT_TRUE(finished) << finished.error().message;
  EXPECT_EQ(finished->run_dir, directory);
  EXPECT_THAT(notices, Contains(HasSubstr("going on in " + directory)));
  EXPECT_TRUE(unfinished().empty());
  const auto again = compare(options, false);
  ASSERT_TRUE(again);
  EXPECT_NE(again->run_dir, directory);
}

// Stopped once some prompts were asked.
CompareOptions Stopped(CompareOptions options) {
  options.round_size = 5;
  std::stop_source stop;
  CompareOptions stopped = options;
  stopped.stop = stop.get_token();
  stopped.on_event = [&](const RunEvent& event) {
    if (event.num_finished > 20) stop.request_stop();
  };
  EXPECT_FALSE(Compare(stopped));
  return options;
}

TEST_F(CompareTest, WhatIsKeptAndDamagedIsFoundAnew) {
  CompareOptions options = Options({"aster-s0", "briar-s0"});
  ASSERT_TRUE(Compare(options));
  const auto files = testing::FilesIn(options.output_dir);
  for (const size_t at : {0, 20, 60, 80}) {
    options.output_dir = folder_ + "/stopped";
    options = Stopped(options);
    const std::string unfinished = options.output_dir + "/unfinished/";
    ASSERT_GE(testing::FilesIn(unfinished).size(), 5u);
    for (const auto& [name, content] : testing::FilesIn(unfinished)) {
      if (!name.ends_with(".kept")) continue;
      std::string damaged = content;
      damaged[std::min(at, damaged.size() - 1)] ^= 1;
      std::ofstream(unfinished + name, std::ios::binary)
          << (at == 80 ? content.substr(0, content.size() / 2) : damaged);
    }
    ASSERT_TRUE(Compare(options));
    EXPECT_EQ(testing::FilesIn(options.output_dir), files) << at;
    std::filesystem::remove_all(options.output_dir);
  }
}

TEST_F(CompareTest, AProcessThatWasKilledWhileWritingIsGoneOnFrom) {
  CompareOptions options = Stopped(Options({"aster-s0", "briar-s0"}));
  const auto write = [&](const std::string& name) {
    std::ofstream(options.output_dir + "/" + name) << "half";
  };
  for (const char* name : {"prompts.jsonl", "evidence.jsonl.12.tmp",
                           "verdicts.json", "unfinished/x.kept.12.tmp"}) {
    write(name);
  }
  std::filesystem::create_directory(options.output_dir + "/unfinished/outline");
  ASSERT_TRUE(Compare(options));
  const auto files = testing::FilesIn(options.output_dir);
  options.output_dir = folder_ + "/whole";
  ASSERT_TRUE(Compare(options));
  EXPECT_EQ(testing::FilesIn(options.output_dir), files);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/d/unfinished"));
}

TEST_F(CompareTest, AFolderOfOthersStaysAsItIs) {
  CompareOptions options = Options({"aster-s0", "briar-s0"});
  const std::string mine = folder_ + "/mine";
  std::filesystem::create_directories(mine + "/folder");
  std::ofstream(mine + "/lock") << "";
  std::filesystem::create_directories(options.output_dir);
  std::filesystem::create_directory_symlink(mine,
                                            options.output_dir + "/unfinished");
  const auto refused = Compare(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no folder"));
  EXPECT_TRUE(std::filesystem::exists(mine + "/folder"));
  options.output_dir = folder_ + "/e";
  std::filesystem::create_directories(options.output_dir);
  std::filesystem::rename(mine, options.output_dir + "/unfinished");
  const auto again = Compare(options);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("folder"));
  EXPECT_TRUE(
      std::filesystem::exists(options.output_dir + "/unfinished/folder"));
}

TEST_F(CompareTest, ADamagedPlanIsNamed) {
  CompareOptions options = Stopped(Options({"aster-s0", "briar-s0"}));
  const std::string path = options.output_dir + "/unfinished/plan.json";
  std::filesystem::resize_file(path, 100);
  const auto found = Compare(options);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(found.error().message, HasSubstr("plan.json"));
  EXPECT_EQ(std::filesystem::file_size(path), 100u);
}

TEST_F(CompareTest, OtherWeightsUnderTheSameNameAreAnotherComparison) {
  namespace fs = std::filesystem;
  CompareOptions options = Options({"aster-s0", "briar-s0"});
  const std::string model = folder_ + "/model";
  fs::copy(ModelAt("aster-s0"), model);
  options.models[0] = model;
  options = Stopped(options);
  const std::string file = model + "/model.safetensors";
  const auto modified = fs::last_write_time(file);
  fs::copy(file, file + ".new");
  fs::last_write_time(file + ".new", modified);
  fs::rename(file + ".new", file);
  const auto refused = Compare(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("another comparison"));
  // Where nothing was found nothing is lost.
  const std::string unfinished = options.output_dir + "/unfinished/";
  for (const auto& [name, content] : testing::FilesIn(unfinished)) {
    if (name.ends_with(".kept")) fs::remove(unfinished + name);
  }
  EXPECT_TRUE(Compare(options));
}

TEST_F(CompareTest, APlanThatIsHalfWrittenIsNone) {
  const CompareOptions options = Options({"aster-s0", "briar-s0"});
  std::filesystem::create_directories(options.output_dir + "/unfinished");
  for (const char* name : {"lock", "plan.json.12.tmp"}) {
    std::ofstream(options.output_dir + "/unfinished/" + name) << "";
  }
  ASSERT_TRUE(Compare(options));
  EXPECT_FALSE(std::filesystem::exists(options.output_dir + "/unfinished"));
}

// Names that are no UTF-8 are written otherwise than they are.
TEST_F(CompareTest, OddNamesGoOnToo) {
  CompareOptions options = Options({"aster-s0", "briar-s0"});
  std::filesystem::copy(ModelAt("aster-s0"), folder_ + "/m\xe9x");
  options.models[0] = folder_ + "/m\xe9x";
  options = Stopped(options);
  const auto found = Compare(options);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_FALSE(std::filesystem::exists(options.output_dir + "/unfinished"));
}

TEST_F(CompareTest, RefusesWhatCannotBeCompared) {
  const auto code_of = [&](const auto& change) {
    CompareOptions options = Options({"aster-s0", "aster-s0"});
    change(options);
    const auto found = Compare(options);
    return found ? ErrorCode::kInternal : found.error().code;
  };
  EXPECT_EQ(code_of([](auto& of) { of.models.pop_back(); }),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& of) { of.models[1] = "/nowhere"; }),
            ErrorCode::kNotFound);
  EXPECT_EQ(code_of([](auto& of) { of.models[1] = "http://h:1/v1#m"; }),
            ErrorCode::kUnsupported);
  EXPECT_EQ(code_of([](auto& of) { of.alpha = 1; }),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& of) { of.round_size = 0; }),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& of) { of.same_nats = 1; }),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& of) { of.num_challenges = 1 << 20; }),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& of) { of.memory_limit_bytes = 1 << 20; }),
            ErrorCode::kBudgetExceeded);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/d"));
}

}  // namespace
}  // namespace revlm
