#include "api/comparison_directory.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <ranges>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/lines.h"
#include "base/quote.h"
#include "run/op_record.h"
#include "run/orchestration.h"
#include "run/run_directory.h"
#include "verify/record.h"
#include "verify/text_record.h"

namespace revlm {
namespace {

constexpr char kPromptsName[] = "prompts.jsonl";
constexpr char kAnswersName[] = "answers.jsonl";
constexpr std::string_view kWrittenNames[] = {
    kPromptsName, kAnswersName, verify::kEvidenceName, verify::kTextsName,
    verify::kVerdictsName};
constexpr uint64_t kMaxVerdictsBytes = uint64_t{256} << 20;
constexpr uint64_t kMaxEvidenceBytes = uint64_t{1} << 30;

// Lines collected into pieces of a file that appears whole.
class LineFile {
 public:
  static Result<LineFile> Create(const std::string& path) {
    REVLM_ASSIGN_OR_RETURN(base::AtomicFile file,
                           base::AtomicFile::Create(path));
    return LineFile(std::move(file));
  }
  Status Append(std::string_view line) {
    constexpr size_t kPieceBytes = 64 << 10;
    piece_ += line;
    return piece_.size() < kPieceBytes ? Status() : Flush();
  }
  Status Commit() {
    REVLM_TRY(Flush());
    return file_.Commit();
  }

 private:
  explicit LineFile(base::AtomicFile file) : file_(std::move(file)) {}
  Status Flush() {
    const Status written = file_.Append(base::AsBytes(piece_));
    piece_.clear();
    return written;
  }

  base::AtomicFile file_;
  std::string piece_;
};

Status WritePrompts(const std::string& path, const ComparePrompts& prompts) {
  REVLM_ASSIGN_OR_RETURN(LineFile file, LineFile::Create(path));
  for (const MadePrompt& prompt : prompts.prompts) {
    REVLM_TRY(file.Append(run::ToLine(run::PromptToJson(prompt))));
  }
  return file.Commit();
}

Status WriteEvidence(const std::string& path, const Comparison& comparison,
                     const ComparePrompts& prompts, const PromptTable& values) {
  REVLM_ASSIGN_OR_RETURN(LineFile file, LineFile::Create(path));
  for (size_t pair = 0; pair < values.size(); ++pair) {
    for (size_t i = 0; i < values[pair].size(); ++i) {
      if (values[pair][i].num_positions == 0) continue;
      REVLM_TRY(file.Append(
          verify::EvidenceToLine({.a = comparison.pairs[pair].a,
                                  .b = comparison.pairs[pair].b,
                                  .prompt_idx = static_cast<int64_t>(i),
                                  .prompt = prompts.prompts[i].id,
                                  .divergence = values[pair][i]})));
    }
  }
  return file.Commit();
}

Result<std::string> ReadFile(const std::string& path, uint64_t max_bytes) {
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         base::OpenFile(path, base::Caching::kPageCache));
  return base::ReadWholeFile(file, max_bytes);
}

// Lines in the order of pairs, then prompts.
Result<PromptTable> ParseEvidence(std::string_view text,
                                  const Comparison& comparison,
                                  const std::string& path) {
  std::map<std::pair<std::string, std::string>, size_t> pair_of;
  for (size_t i = 0; i < comparison.pairs.size(); ++i) {
    pair_of[{comparison.pairs[i].a, comparison.pairs[i].b}] = i;
  }
  PromptTable values(comparison.pairs.size());
  // Prompts without a value take room, too: a file of few lines may not ask for
  // much of it.
  uint64_t num_left = (uint64_t{1} << 20) + text.size();
  std::vector<int64_t> last_of(comparison.pairs.size(), -1);
  const auto take = [&](std::string_view text_line, size_t number) -> Status {
    const std::string source = fmt::format("{}, line {}", path, number);
    REVLM_ASSIGN_OR_RETURN(const verify::EvidenceLine line,
                           verify::EvidenceFromLine(text_line, source));
    const auto pair = pair_of.find({line.a, line.b});
    if (pair == pair_of.end() || line.prompt_idx <= last_of[pair->second] ||
        line.prompt_idx >= comparison.num_prompts ||
        line.divergence.num_positions <= 0) {
      return base::MakeError(ErrorCode::kCorrupt,
                             "{}: found a pair or prompt that is not next, of "
                             "{} pairs and {} prompts",
                             source, comparison.pairs.size(),
                             comparison.num_prompts);
    }
    last_of[pair->second] = line.prompt_idx;
    auto& of_pair = values[pair->second];
    const auto size = static_cast<uint64_t>(line.prompt_idx) + 1;
    if (size - of_pair.size() > num_left) {
      return base::MakeError(ErrorCode::kCorrupt,
                             "{}: found prompt {}, with values of too few "
                             "before it",
                             source, line.prompt_idx);
    }
    num_left -= size - of_pair.size();
    of_pair.resize(size);
    of_pair.back() = line.divergence;
    return {};
  };
  REVLM_TRY(base::ForEachLine(text, take));
  return values;
}

// The answers as `--answers` reads them.
Status WriteAnswers(const std::string& path,
                    std::span<const GivenAnswer> answers) {
  REVLM_ASSIGN_OR_RETURN(LineFile file, LineFile::Create(path));
  for (const GivenAnswer& answer : answers) {
    base::Json line = {{"prompt", answer.prompt}};
    if (answer.token_ids.empty()) {
      line["answer"] = answer.text;
    } else {
      line["answer"] = answer.token_ids;
    }
    REVLM_TRY(file.Append(run::ToLine(line)));
  }
  return file.Commit();
}

Result<verify::TextScores> ReadTexts(const std::string& path,
                                     const TextFinding& finding) {
  REVLM_ASSIGN_OR_RETURN(verify::TextScores scores,
                         verify::ScoresOf(finding, path));
  REVLM_ASSIGN_OR_RETURN(const std::string text,
                         ReadFile(path, kMaxEvidenceBytes));
  const auto take = [&](std::string_view line, size_t number) -> Status {
    const std::string source = fmt::format("{}, line {}", path, number);
    REVLM_ASSIGN_OR_RETURN(verify::TextLine read,
                           verify::TextFromLine(line, source));
    return verify::AddLine(std::move(read), source, scores);
  };
  REVLM_TRY(base::ForEachLine(text, take));
  return scores;
}

// The newest directory in which a comparison of this plan was stopped, and none
// is at work.
std::optional<std::string> FindUnfinished(const std::string& runs_dir,
                                          const base::Json& plan) {
  const auto directory = base::Directory::Open(runs_dir);
  if (!directory) return std::nullopt;
  auto names = directory->ListNames();
  if (!names) return std::nullopt;
  std::error_code ignored;
  for (const std::string& name : *names | std::views::reverse) {
    std::string path = runs_dir + "/" + name;
    if (std::filesystem::is_symlink(path, ignored)) continue;  // `latest`
    if (UnfinishedFolder::IsFree(path + "/" + kUnfinishedName, plan)) {
      return path;
    }
  }
  return std::nullopt;
}

// Refuses a directory with anything but unfinished things in it.
Status CheckEmpty(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(const base::Directory opened,
                         base::Directory::Open(path));
  REVLM_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                         opened.ListNames());
  for (const std::string& name : names) {
    if (name == kUnfinishedName) continue;
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "using directory {}: found {} in it, allowed is a "
                           "new or empty one; name another with --output-dir",
                           path, base::Quote(name));
  }
  return {};
}

// The same, unless a comparison is to be gone on with there: it may have come
// to writing.
Status CheckUsable(const std::string& path) {
  return UnfinishedFolder::IsThere(path + "/" + kUnfinishedName)
             ? Status()
             : CheckEmpty(path);
}

// What a process that was killed left of the files that are written at the end.
void RemoveTemporaryFiles(const std::string& path) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    const std::string name = entry.path().filename();
    const auto target = base::TargetOfTemporary(name);
    if (target && std::ranges::find(kWrittenNames, *target) !=
                      std::ranges::end(kWrittenNames)) {
      std::filesystem::remove(entry.path(), ignored);
    }
  }
}

}  // namespace

Result<ComparisonDirectory> ComparisonDirectory::OpenAt(
    std::string path, const std::string& linked_from, bool is_new,
    const base::Json& plan) {
  auto unfinished = UnfinishedFolder::Open(path + "/" + kUnfinishedName, plan);
  if (!unfinished) {
    std::error_code ignored;
    if (is_new) std::filesystem::remove(path, ignored);
    return std::unexpected(unfinished.error());
  }
  if (unfinished->is_resumed()) {
    RemoveTemporaryFiles(path);
  } else {
    // Another process may have come to the end meanwhile.
    REVLM_TRY(CheckEmpty(path));
  }
  return ComparisonDirectory(std::move(path), linked_from, is_new,
                             *std::move(unfinished));
}

Result<ComparisonDirectory> ComparisonDirectory::Open(
    const CompareOptions& options, const base::Json& plan) {
  if (options.output_dir.empty()) {
    if (auto unfinished = FindUnfinished(options.runs_dir, plan)) {
      auto directory =
          OpenAt(*std::move(unfinished), options.runs_dir, true, plan);
      if (directory) return directory;  // else it was taken just now
    }
    REVLM_ASSIGN_OR_RETURN(
        std::string made,
        run::CreateRunDirectory(options.runs_dir, base::SystemClock()));
    return OpenAt(std::move(made), options.runs_dir, true, plan);
  }
  std::string path = options.output_dir;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const bool is_new = base::KindOfPath(path) == base::PathKind::kAbsent;
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "creating directory {}: {}; name another with "
                           "--output-dir",
                           path, error.message());
  }
  REVLM_TRY(CheckUsable(path));
  return OpenAt(std::move(path), "", is_new, plan);
}

ComparisonDirectory::ComparisonDirectory(ComparisonDirectory&& other) noexcept
    : path_(std::exchange(other.path_, "")),
      linked_from_(std::move(other.linked_from_)),
      is_new_(std::exchange(other.is_new_, false)),
      is_half_written_(std::exchange(other.is_half_written_, false)),
      unfinished_(std::move(other.unfinished_)) {}

ComparisonDirectory::~ComparisonDirectory() {
  {  // before the directory that it is in
    const UnfinishedFolder removed = std::move(unfinished_);
  }
  std::error_code ignored;
  if (is_half_written_) {
    for (const std::string_view name : kWrittenNames) {
      std::filesystem::remove(fmt::format("{}/{}", path_, name), ignored);
    }
  }
  if (is_new_) std::filesystem::remove(path_, ignored);  // only an empty one
}

Status ComparisonDirectory::Write(const Comparison& comparison,
                                  const ComparePrompts& prompts,
                                  const PromptTable& values) {
  is_half_written_ = true;
  REVLM_TRY(WritePrompts(path_ + "/" + kPromptsName, prompts));
  REVLM_TRY(WriteEvidence(path_ + "/" + verify::kEvidenceName, comparison,
                          prompts, values));
  return WriteVerdicts(comparison);
}

Status ComparisonDirectory::WriteTexts(const Comparison& comparison,
                                       std::span<const GivenAnswer> answers,
                                       const verify::TextScores& scores) {
  is_half_written_ = true;
  REVLM_TRY(WriteAnswers(path_ + "/" + kAnswersName, answers));
  REVLM_ASSIGN_OR_RETURN(LineFile file,
                         LineFile::Create(path_ + "/" + verify::kTextsName));
  for (size_t i = 0; i < scores.requests.size(); ++i) {
    REVLM_TRY(file.Append(verify::TextToLine(verify::LineOf(scores, i))));
  }
  REVLM_TRY(file.Commit());
  return WriteVerdicts(comparison);
}

Status ComparisonDirectory::WriteVerdicts(const Comparison& comparison) {
  REVLM_TRY(base::WriteFileAtomically(
      path_ + "/" + verify::kVerdictsName,
      verify::ComparisonToJson(comparison)
              .dump(1, ' ', false, base::Json::error_handler_t::replace) +
          "\n"));
  is_half_written_ = false;
  unfinished_.Finish();
  if (!linked_from_.empty()) run::LinkLatest(linked_from_, path_);
  return {};
}

Result<StoredComparison> ReadComparison(const std::string& path) {
  const std::string verdicts_path = path + "/" + verify::kVerdictsName;
  if (base::KindOfPath(path) == base::PathKind::kAbsent) {
    return base::MakeError(ErrorCode::kNotFound,
                           "reading comparison {}: there is no such directory",
                           path);
  }
  if (base::KindOfPath(verdicts_path) == base::PathKind::kAbsent) {
    if (UnfinishedFolder::IsThere(path + "/" + kUnfinishedName)) {
      return base::MakeError(ErrorCode::kInvalidArgument,
                             "reading comparison {}: it is not finished; the "
                             "command that began it goes on with it",
                             path);
    }
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "reading comparison {}: found no {}; name the "
                           "directory of a revlm compare or verify",
                           path, verify::kVerdictsName);
  }
  REVLM_ASSIGN_OR_RETURN(const std::string verdicts,
                         ReadFile(verdicts_path, kMaxVerdictsBytes));
  REVLM_ASSIGN_OR_RETURN(const base::Json json,
                         base::ParseJson(verdicts, verdicts_path));
  StoredComparison stored;
  REVLM_ASSIGN_OR_RETURN(stored.comparison,
                         verify::ComparisonFromJson(json, verdicts_path));
  const std::vector<PairComparison>& pairs = stored.comparison.pairs;
  if (pairs.size() == 1 && pairs[0].texts) {
    stored.evidence.values.resize(1);
    REVLM_ASSIGN_OR_RETURN(
        stored.evidence.texts,
        ReadTexts(path + "/" + verify::kTextsName, *pairs[0].texts));
    return stored;
  }
  const std::string evidence_path = path + "/" + verify::kEvidenceName;
  REVLM_ASSIGN_OR_RETURN(const std::string evidence,
                         ReadFile(evidence_path, kMaxEvidenceBytes));
  REVLM_ASSIGN_OR_RETURN(
      stored.evidence.values,
      ParseEvidence(evidence, stored.comparison, evidence_path));
  return stored;
}

}  // namespace revlm
