#include "run/metrics.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "memory/budget.h"
#include "memory/process_tree.h"
#include "run/metrics_text.h"
#include "run/op_record.h"

namespace revlm::run {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kSampleInterval = std::chrono::seconds(1);
constexpr nanoseconds kExportInterval = std::chrono::seconds(15);
// Measuring memory takes at most one part in so many of the time.
constexpr int kMeasureShare = 100;

double Rate(int64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

// What a worker's engine plans with, by what it is for.
using BytesByUse = std::array<uint64_t, memory::kNumUses>;

void AddUse(const engine::MemoryUse& use, BytesByUse& sums) {
  const auto add = [&sums](memory::Use kind, uint64_t bytes) {
    sums[static_cast<size_t>(kind)] += bytes;
  };
  add(memory::Use::kWeights, use.pinned_bytes);
  add(memory::Use::kSlabs, use.ring_bytes);
  add(memory::Use::kActivations, use.activation_bytes);
  add(memory::Use::kKeysValues, use.kv_bytes);
  add(memory::Use::kScratch, use.scratch_bytes + use.heap_bytes);
  add(memory::Use::kResults, use.result_bytes);
}

}  // namespace

uint64_t Metrics::HeapBytes(size_t num_models) {
  // The system's list of processes, some thousand of them, and a chunk of the
  // log.
  constexpr uint64_t kBytes = 192 << 10;
  // Its numbers three times over (counted, told, and being copied), its
  // latencies likewise, and its lines for Prometheus in a text that grows; the
  // JSON of a sample is smaller.
  constexpr uint64_t kModelBytes = 16 << 10;
  return kBytes + kModelBytes * num_models;
}

Metrics::Metrics(RunStatus status, uint64_t program_bytes,
                 const base::Clock& clock, Notice notice)
    : program_bytes_(program_bytes),
      clock_(clock),
      notice_(std::move(notice)),
      started_(clock.Monotonic()),
      log_(status.run_dir),
      status_(std::move(status)),
      work_(status_.models.size()) {
  status_.state = RunState::kRunning;
  status_.started = base::FormatUtc(clock.Wall());
  for (size_t i = 0; i < status_.models.size(); ++i) {
    ModelStatus& model = status_.models[i];
    model.state = model.num_done == model.num_planned ? "done" : "waiting";
    index_of_[model.alias] = i;
    status_.num_resumed += model.num_done;
  }
}

size_t Metrics::IndexOf(const std::string& alias) const {
  const auto found = index_of_.find(alias);
  REVLM_CHECK(found != index_of_.end());
  return found->second;
}

double Metrics::SecondsSince(nanoseconds moment) const {
  return std::chrono::duration<double>(clock_.Monotonic() - moment).count();
}

void Metrics::Pause(Work& work) const {
  if (work.began) work.seconds += SecondsSince(*work.began);
  work.began.reset();
}

uint64_t Metrics::LeasedBytes() const {
  uint64_t bytes = 0;
  for (const Work& work : work_) bytes += work.lease_bytes;
  return bytes;
}

void Metrics::Begin(const std::string& alias, int32_t pid,
                    uint64_t lease_bytes) {
  const size_t i = IndexOf(alias);
  Work& work = work_[i];
  work.pid = pid;
  work.lease_bytes = lease_bytes;
  // What is left to do then is to read its weights.
  if (status_.models[i].state == "done") return;
  Pause(work);
  work.began = clock_.Monotonic();
  status_.models[i].state = "running";
}

void Metrics::SetPlan(const std::string& alias, const engine::MemoryUse& use) {
  work_[IndexOf(alias)].use = use;
}

void Metrics::Leave(const std::string& alias) {
  const size_t i = IndexOf(alias);
  Work& work = work_[i];
  Pause(work);
  work.pid = 0;
  work.lease_bytes = 0;
  work.use = {};
  ModelStatus& model = status_.models[i];
  model.memory_bytes = 0;
  if (model.state == "running") model.state = "waiting";
}

void Metrics::Finish(const std::string& alias,
                     const std::optional<Error>& error) {
  const size_t i = IndexOf(alias);
  ModelStatus& model = status_.models[i];
  Work& work = work_[i];
  ++model.num_done;
  ++work.num_finished;
  if (work.began) work.latencies.Add(SecondsSince(*work.began));
  if (error) {
    ++model.num_failed;
    Note(fmt::format("{}: {}", alias, error->message));
  }
  if (model.num_done < model.num_planned) return;
  model.state = "done";
  Pause(work);
}

void Metrics::Retry(const std::string& alias, const Error& error,
                    size_t num_operations) {
  status_.models[IndexOf(alias)].num_retried +=
      static_cast<int64_t>(num_operations);
  ++retries_[std::string(ErrorCodeName(error.code))];
  Note(fmt::format("{}: trying again after: {}", alias, error.message));
}

void Metrics::SetBreaker(const std::string& alias, std::string_view state) {
  status_.models[IndexOf(alias)].breaker = state;
}

void Metrics::Note(std::string message) {
  status_.last_time = base::FormatUtc(clock_.Wall());
  status_.last_message = std::move(message);
}

bool Metrics::Tick() {
  const nanoseconds now = clock_.Monotonic();
  if (sampled_ && now - *sampled_ < kSampleInterval) return false;
  sampled_ = now;
  Sample();
  if (!exported_ || now - *exported_ >= kExportInterval) {
    exported_ = now;
    WritePrometheus();
  }
  return true;
}

void Metrics::End(RunState state, const std::optional<Error>& stopped_by) {
  status_.state = state;
  if (stopped_by) status_.stopped_by = stopped_by->message;
  for (const auto& [alias, i] : index_of_) Leave(alias);
  Sample();
  WritePrometheus();
}

void Metrics::Sample() {
  MeasureMemory();
  SumUp();
  latest_ = std::make_shared<const RunStatus>(status_);
  if (Status written = log_.Append(StatusToLine(status_)); !written) {
    Complain(written.error());
  }
}

void Metrics::MeasureMemory() {
  const nanoseconds before = clock_.Monotonic();
  if (measured_ && before - *measured_ < measure_pause_) return;
  const std::vector<memory::ProcessUse> tree =
      memory::ReadProcessTree(getpid());
  const nanoseconds after = clock_.Monotonic();
  measure_pause_ = (after - before) * kMeasureShare;
  const memory::ProcessUse total = memory::Total(tree);
  if (measured_) {
    const double seconds =
        std::chrono::duration<double>(before - *measured_).count();
    status_.cpu_percent =
        seconds > 0
            ? std::max(total.cpu_seconds - cpu_seconds_, 0.0) / seconds * 100
            : 0;
  }
  measured_ = before;
  cpu_seconds_ = total.cpu_seconds;
  status_.private_bytes = total.memory.private_bytes;
  status_.mapped_bytes = total.memory.mapped_bytes;
  for (size_t i = 0; i < work_.size(); ++i) {
    const auto process =
        std::ranges::find(tree, work_[i].pid, &memory::ProcessUse::pid);
    status_.models[i].memory_bytes =
        work_[i].pid != 0 && process != tree.end() ? process->pss_bytes() : 0;
  }
}

void Metrics::SumUp() {
  status_.time = base::FormatUtc(clock_.Wall());
  status_.seconds = SecondsSince(started_);
  status_.held_bytes = program_bytes_ + LeasedBytes();
  status_.num_planned = status_.num_done = 0;
  status_.num_failed = status_.num_retried = 0;
  status_.num_workers = 0;
  for (size_t i = 0; i < work_.size(); ++i) {
    ModelStatus& model = status_.models[i];
    const Work& work = work_[i];
    const double seconds =
        work.seconds + (work.began ? SecondsSince(*work.began) : 0);
    model.operations_per_second = Rate(work.num_finished, seconds);
    model.p50_seconds = work.latencies.Quantile(0.5);
    model.p95_seconds = work.latencies.Quantile(0.95);
    if (work.pid != 0) ++status_.num_workers;
    status_.num_planned += model.num_planned;
    status_.num_done += model.num_done;
    status_.num_failed += model.num_failed;
    status_.num_retried += model.num_retried;
  }
  status_.operations_per_second =
      Rate(status_.num_done - status_.num_resumed, status_.seconds);
}

void Metrics::WritePrometheus() {
  std::vector<Latencies> latencies;
  for (const Work& work : work_) latencies.push_back(work.latencies);
  const Status written = base::WriteFileAtomically(
      status_.run_dir + "/" + kPrometheusName,
      StatusToPrometheus(status_, latencies, retries_));
  if (!written) Complain(written.error());
}

void Metrics::Complain(const Error& error) {
  if (std::exchange(has_complained_, true)) return;
  notice_(
      fmt::format("{}; the run goes on without its metrics", error.message));
}

std::string Metrics::MemoryLine() const {
  const uint64_t leased_bytes = LeasedBytes();
  std::string workers;
  if (leased_bytes > 0) workers = fmt::format(", workers {}", leased_bytes);
  BytesByUse sums = {};
  for (const Work& work : work_) AddUse(work.use, sums);
  std::string_view separator = ": ";
  for (size_t i = 0; i < sums.size(); ++i) {
    if (sums[i] == 0) continue;
    workers +=
        fmt::format("{}{} {}", std::exchange(separator, ", "),
                    memory::UseName(static_cast<memory::Use>(i)), sums[i]);
  }
  return fmt::format(
      "memory: planned {} bytes, held {} (program {}{}), PSS {} (private {}, "
      "mapped {}), limit {}, reserve {}",
      status_.planned_bytes, program_bytes_ + leased_bytes, program_bytes_,
      workers, status_.private_bytes + status_.mapped_bytes,
      status_.private_bytes, status_.mapped_bytes, status_.memory_limit_bytes,
      status_.memory_reserve_bytes);
}

}  // namespace revlm::run
