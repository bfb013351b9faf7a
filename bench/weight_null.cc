// revlm_weight_null TOKENIZER MODEL MODEL...: compares every pair of models
// that were trained independently, and says how the statistics of their weights
// are distributed: the null of src/fingerprint/relation.h. TOKENIZER is the
// tokenizer.json that all of them share.
//
// Pairs share models, so they are not independent; a limit of an error rate is
// therefore printed for the disjoint pairs (first and second, third and fourth,
// ...) alone.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/checkpoint.h"
#include "memory/budget.h"
#include "stats/binomial.h"
#include "tokenizer/tokenizer.h"
#include "verify/weights.h"

namespace revlm::bench {
namespace {

constexpr uint64_t kBudgetBytes = uint64_t{1} << 30;

Result<tokenizer::Tokenizer> OpenTokenizer(const std::string& path) {
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         base::OpenFile(path, base::Caching::kPageCache));
  REVLM_ASSIGN_OR_RETURN(
      const std::string text,
      base::ReadWholeFile(file, formats::kMaxTokenizerBytes));
  return tokenizer::Tokenizer::FromJson(text, path);
}

struct Column {
  const char* name;
  std::vector<double> z;
  std::vector<double> log_p;
  std::vector<double> disjoint_log_p;
};

void Print(const Column& column) {
  if (column.z.empty()) return;
  double sum = 0;
  double squares = 0;
  for (const double z : column.z) {
    sum += z;
    squares += z * z;
  }
  const auto n = static_cast<double>(column.z.size());
  const auto [least, most] = std::ranges::minmax(column.z);
  const auto count = [](const std::vector<double>& log_ps, double alpha) {
    return static_cast<uint64_t>(std::ranges::count_if(
        log_ps, [&](double log_p) { return log_p <= std::log(alpha); }));
  };
  const uint64_t wrong = count(column.disjoint_log_p, 0.01);
  const auto limit =
      stats::UpperRateLimit(wrong, column.disjoint_log_p.size(), 0.05);
  fmt::print("{:<10} {:>7.3f} {:>7.3f} {:>7.2f} {:>7.2f} {:>6} {:>6} {:>9}\n",
             column.name, sum / n,
             std::sqrt(std::max(0.0, squares / n - sum / n * sum / n)), least,
             most, count(column.log_p, 0.01), count(column.log_p, 1e-6),
             limit ? fmt::format("{:.3f}", *limit) : "-");
}

Status Run(const std::string& tokenizer_path,
           const std::vector<std::string>& paths) {
  REVLM_ASSIGN_OR_RETURN(const tokenizer::Tokenizer tokens,
                         OpenTokenizer(tokenizer_path));
  std::vector<formats::Checkpoint> models;
  for (const std::string& path : paths) {
    REVLM_ASSIGN_OR_RETURN(formats::Checkpoint model,
                           formats::Checkpoint::Open(path));
    models.push_back(std::move(model));
  }
  Column columns[] = {{"alignment"}, {"match"}, {"csu"}};
  uint64_t num_pairs = 0;
  for (size_t i = 0; i < models.size(); ++i) {
    for (size_t j = i + 1; j < models.size(); ++j) {
      memory::Budget budget(kBudgetBytes);
      REVLM_ASSIGN_OR_RETURN(
          const verify::WeightEvidence evidence,
          verify::CompareWeights({&models[i], &tokens, paths[i]},
                                 {&models[j], &tokens, paths[j]}, budget, {}));
      ++num_pairs;
      const std::optional<verify::WeightTest> tests[] = {
          evidence.alignment, evidence.match, evidence.csu};
      for (size_t k = 0; k < std::size(tests); ++k) {
        if (!tests[k]) continue;
        columns[k].z.push_back(tests[k]->z);
        columns[k].log_p.push_back(tests[k]->log_p);
        if (i % 2 == 0 && j == i + 1) {
          columns[k].disjoint_log_p.push_back(tests[k]->log_p);
        }
      }
    }
  }
  fmt::print("{} pairs of {} models\n", num_pairs, models.size());
  fmt::print("{:<10} {:>7} {:>7} {:>7} {:>7} {:>6} {:>6} {:>9}\n", "", "mean",
             "sd", "least", "most", "p<.01", "p<1e-6", "below");
  for (const Column& column : columns) Print(column);
  return {};
}

}  // namespace
}  // namespace revlm::bench

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: revlm_weight_null TOKENIZER MODEL MODEL...\n");
    return 2;
  }
  const revlm::Status status =
      revlm::bench::Run(argv[1], {argv + 2, argv + argc});
  if (status) return 0;
  fmt::print(stderr, "revlm_weight_null: {}\n", status.error().message);
  return 1;
}
