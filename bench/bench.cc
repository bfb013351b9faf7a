// `make bench`: what one machine gets out of the engine, in one table.
//
// The model has the shape of Pythia-410M with random bf16 weights and is made
// under build/bench. For 1, 8 and 64 prompts of 32 tokens, with the weights
// resident and streamed in a budget of a quarter of their size:
//
//   prefill   prompt tokens per second, the whole pass (embedding to logits)
//   decode    new tokens per second, 16 steps
//   product   GFLOP/s of the prefill pass: the products' arithmetic over the
//             time of the whole pass, everything that is not a product included
//   plain     GFLOP/s of plain oneDNN products of the same shapes, oneDNN's own
//             threads, in this process (medians; see plain_product.h)
//   share     product / plain
//   peak      the process's peak memory while the row ran
//
// Medians of kRepeats runs; absolute figures of a shared machine are noisy, the
// share is what to read.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "checkpoint_maker.h"
#include "engine/engine.h"
#include "engine/thread_pool.h"
#include "formats/checkpoint.h"
#include "memory/process_memory.h"
#include "plain_product.h"

namespace revlm::bench {
namespace {

constexpr const Shape& kPythia410M = kShapes[0];

constexpr int kRepeats = 3;
constexpr int64_t kPromptTokens = 32;
constexpr int32_t kNewTokens = 16;
// Of the engine's budget when weights are streamed: a quarter of the model.
constexpr uint64_t kStreamedBytes = uint64_t{193} << 20;

struct ProductShape {
  int64_t columns;
  int64_t k;
  int64_t count;        // of them in a pass
  bool last_rows_only;  // the head: one row per prompt
};

std::vector<ProductShape> ProductsOf(const Shape& shape) {
  const int64_t width = shape.hidden_size;
  return {{3 * width, width, shape.num_layers, false},
          {width, width, shape.num_layers, false},
          {shape.intermediate_size, width, shape.num_layers, false},
          {width, shape.intermediate_size, shape.num_layers, false},
          {shape.vocab_size, width, 1, true}};
}

double PassFlops(const Shape& shape, int64_t num_prompts) {
  double flops = 0;
  for (const ProductShape& product : ProductsOf(shape)) {
    const int64_t rows =
        product.last_rows_only ? num_prompts : num_prompts * kPromptTokens;
    flops += 2.0 * static_cast<double>(product.count * rows * product.columns *
                                       product.k);
  }
  return flops;
}

double PlainSeconds(const Shape& shape, int64_t num_prompts, int num_threads) {
  double seconds = 0;
  for (const ProductShape& product : ProductsOf(shape)) {
    const int64_t rows =
        product.last_rows_only ? num_prompts : num_prompts * kPromptTokens;
    seconds +=
        static_cast<double>(product.count) *
        PlainProductSeconds(rows, product.columns, product.k, num_threads);
  }
  return seconds;
}

std::vector<engine::Request> MakeRequests(int64_t num_prompts,
                                          int32_t new_tokens) {
  std::vector<engine::Request> requests(static_cast<size_t>(num_prompts));
  for (int64_t i = 0; i < num_prompts; ++i) {
    engine::Request& request = requests[static_cast<size_t>(i)];
    for (int64_t t = 0; t < kPromptTokens; ++t) {
      request.prompt.push_back(
          static_cast<int32_t>((i * 977 + t * 31) % 50000));
    }
    request.max_new_tokens = new_tokens;
    request.ignore_stop_tokens = true;
  }
  return requests;
}

Result<double> RunSeconds(engine::Engine& engine, int64_t num_prompts,
                          int32_t new_tokens) {
  const std::vector<engine::Request> requests =
      MakeRequests(num_prompts, new_tokens);
  const base::Clock& clock = base::SystemClock();
  const auto start = clock.Monotonic();
  std::optional<Error> failure;
  REVLM_TRY(
      engine.Run(requests, {.on_complete = [&](size_t, engine::Completion c) {
                   if (c.error) failure = c.error;
                 }}));
  if (failure) return std::unexpected<Error>(*failure);
  return std::chrono::duration<double>(clock.Monotonic() - start).count();
}

// The process's peak resident memory, in MiB, since the last ResetPeak.
double PeakMebibytes() {
  return static_cast<double>(memory::ReadProcessMemory().peak_bytes) /
         (1 << 20);
}

void ResetPeak() {
  if (std::FILE* file = std::fopen("/proc/self/clear_refs", "w")) {
    std::fputs("5", file);
    std::fclose(file);
  }
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Row {
  double prefill_seconds = 0;
  double decode_seconds = 0;
  double peak_mebibytes = 0;
};

// Prefill is a run that ends with the first new token; decode is what
// `kNewTokens` more take on top of it.
Result<Row> MeasureRow(const formats::Checkpoint& checkpoint,
                       int64_t num_prompts, uint64_t memory_bytes,
                       int num_threads) {
  ResetPeak();
  memory::Budget budget(memory_bytes);
  REVLM_ASSIGN_OR_RETURN(
      const std::unique_ptr<engine::Engine> engine,
      engine::Engine::Open(checkpoint, budget, {.num_threads = num_threads}));
  REVLM_TRY(RunSeconds(*engine, num_prompts, 2));  // reads, compiles, proves
  std::vector<double> prefill;
  std::vector<double> both;
  for (int i = 0; i < kRepeats; ++i) {
    REVLM_ASSIGN_OR_RETURN(prefill.emplace_back(),
                           RunSeconds(*engine, num_prompts, 1));
    REVLM_ASSIGN_OR_RETURN(both.emplace_back(),
                           RunSeconds(*engine, num_prompts, 1 + kNewTokens));
  }
  return Row{.prefill_seconds = Median(prefill),
             .decode_seconds = Median(both) - Median(prefill),
             .peak_mebibytes = PeakMebibytes()};
}

Status RunBenchmark(const std::string& directory) {
  REVLM_TRY(MakeCheckpoint(kPythia410M, directory));
  REVLM_ASSIGN_OR_RETURN(const formats::Checkpoint checkpoint,
                         formats::Checkpoint::Open(directory));
  const int num_threads = engine::ThreadPool::NumUsableCpus();
  memory::Budget nothing(0);  // it is described, not run
  REVLM_ASSIGN_OR_RETURN(
      const std::unique_ptr<engine::Engine> described,
      engine::Engine::Open(checkpoint, nothing, {.num_threads = num_threads}));
  const engine::NumericsClass& numerics = described->numerics();
  std::printf("model    Pythia-410M shape, random bf16 weights, %.0f MiB\n",
              static_cast<double>(checkpoint.weight_bytes()) / (1 << 20));
  std::printf("machine  %d threads, %s, %s, kernels %s\n", num_threads,
              numerics.isa.c_str(), numerics.products.c_str(),
              numerics.kernels.c_str());
  std::printf("prompts of %d tokens, %d new tokens each; medians of %d\n\n",
              static_cast<int>(kPromptTokens), kNewTokens, kRepeats);
  std::printf(
      "weights   prompts  prefill   decode  product    plain  share"
      "      peak\n");
  std::printf(
      "                     tok/s    tok/s  GFLOP/s  GFLOP/s"
      "             MiB\n");
  for (const bool resident : {true, false}) {
    for (const int64_t num_prompts : {1, 8, 64}) {
      REVLM_ASSIGN_OR_RETURN(
          const Row row,
          MeasureRow(checkpoint, num_prompts,
                     resident ? uint64_t{8} << 30 : kStreamedBytes,
                     num_threads));
      const double flops = PassFlops(kPythia410M, num_prompts);
      const double product = flops / row.prefill_seconds * 1e-9;
      const double plain =
          flops / PlainSeconds(kPythia410M, num_prompts, num_threads) * 1e-9;
      const double prompts = static_cast<double>(num_prompts);
      std::printf("%-8s  %7d  %7.1f  %7.1f  %7.1f  %7.1f  %4.0f%%  %8.0f\n",
                  resident ? "resident" : "streamed",
                  static_cast<int>(num_prompts),
                  prompts * kPromptTokens / row.prefill_seconds,
                  prompts * kNewTokens / row.decode_seconds, product, plain,
                  100 * product / plain, row.peak_mebibytes);
      std::fflush(stdout);
    }
  }
  return {};
}

}  // namespace
}  // namespace revlm::bench

int main(int argc, char** argv) {
  const std::string directory = argc > 1 ? argv[1] : "build/bench/pythia-410m";
  const revlm::Status status = revlm::bench::RunBenchmark(directory);
  if (status) return 0;
  std::fprintf(stderr, "revlm_bench: %s\n", status.error().message.c_str());
  return 1;
}
