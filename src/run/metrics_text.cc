#include "run/metrics_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "run/op_record.h"

namespace revlm::run {
namespace {

using base::Json;

constexpr std::array<std::pair<RunState, std::string_view>, 5> kStateNames = {{
    {RunState::kNotBegun, "not_begun"},
    {RunState::kRunning, "running"},
    {RunState::kFinished, "finished"},
    {RunState::kStopped, "stopped"},
    {RunState::kKilled, "killed"},
}};

Json TextOrNull(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

// With the digits of a float: more would say nothing.
Json NumberToJson(double number) {
  return base::FloatToJson(static_cast<float>(number));
}

Json ModelToJson(const ModelStatus& model) {
  return {{"alias", model.alias},
          {"state", model.state},
          {"planned", model.num_planned},
          {"done", model.num_done},
          {"failed", model.num_failed},
          {"retried", model.num_retried},
          {"operations_per_second", NumberToJson(model.operations_per_second)},
          {"p50_seconds", NumberToJson(model.p50_seconds)},
          {"p95_seconds", NumberToJson(model.p95_seconds)},
          {"breaker", TextOrNull(model.breaker)},
          {"memory_bytes", model.memory_bytes}};
}

// Reads members of one object; remembers that one had a wrong type.
class Reader {
 public:
  Reader(const Json& json, const std::string& source)
      : json_(json), source_(source) {}

  int64_t Count(std::string_view key) {
    return Take(base::GetInt(json_, key, {}, source_));
  }
  uint64_t Bytes(std::string_view key) {
    return static_cast<uint64_t>(Count(key));
  }
  double Number(std::string_view key) {
    return Take(base::GetNumber(json_, key, source_));
  }
  std::string Text(std::string_view key) {
    return Take(base::GetString(json_, key, source_));
  }
  const Json& Member(std::string_view key) {
    static const Json kNone;
    const Json* member = base::FindMember(json_, key);
    return member == nullptr ? kNone : *member;
  }
  void Merge(Reader& inner) {
    if (!error_) error_ = std::move(inner.error_);
  }
  std::optional<Error>& error() { return error_; }

 private:
  template <typename T>
  T Take(Result<std::optional<T>> value) {
    if (value) return std::move(*value).value_or(T());
    if (!error_) error_ = std::move(value).error();
    return T();
  }

  const Json& json_;
  const std::string& source_;
  std::optional<Error> error_;
};

ModelStatus ModelFromJson(Reader& reader) {
  return {.alias = reader.Text("alias"),
          .state = reader.Text("state"),
          .num_planned = reader.Count("planned"),
          .num_done = reader.Count("done"),
          .num_failed = reader.Count("failed"),
          .num_retried = reader.Count("retried"),
          .operations_per_second = reader.Number("operations_per_second"),
          .p50_seconds = reader.Number("p50_seconds"),
          .p95_seconds = reader.Number("p95_seconds"),
          .breaker = reader.Text("breaker"),
          .memory_bytes = reader.Bytes("memory_bytes")};
}

// A label's value, quoted.
std::string Label(std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

void AppendHead(std::string_view name, std::string_view type,
                std::string_view help, std::string& out) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void AppendDurations(const std::string& alias, const Latencies& latencies,
                     std::string& out) {
  constexpr std::string_view kName = "rev_op_duration_seconds";
  const std::string model = "model=" + Label(alias);
  for (size_t i = 0; i < Latencies::kNumBounds; ++i) {
    out += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", kName, model,
                       Latencies::Bound(i), latencies.CountWithin(i));
  }
  out += fmt::format("{}_bucket{{{},le=\"+Inf\"}} {}\n", kName, model,
                     latencies.count());
  out +=
      fmt::format("{}_sum{{{}}} {}\n", kName, model, latencies.sum_seconds());
  out += fmt::format("{}_count{{{}}} {}\n", kName, model, latencies.count());
}

void AppendMemory(const RunStatus& status, std::string& out) {
  AppendHead("rev_memory_bytes", "gauge",
             "Memory of the run: allowed, planned, reserved, in use.", out);
  const std::pair<std::string_view, uint64_t> kinds[] = {
      {"limit", status.memory_limit_bytes},
      {"reserve", status.memory_reserve_bytes},
      {"planned", status.planned_bytes},
      {"held", status.held_bytes},
      {"pss", status.private_bytes + status.mapped_bytes},
      {"private", status.private_bytes},
      {"mapped", status.mapped_bytes}};
  for (const auto& [kind, bytes] : kinds) {
    out += fmt::format("rev_memory_bytes{{kind=\"{}\"}} {}\n", kind, bytes);
  }
}

int BreakerNumber(std::string_view state) {
  if (state == "open") return 2;
  return state == "half_open" ? 1 : 0;
}

void AppendBreakers(const RunStatus& status, std::string& out) {
  const bool has_any = std::ranges::any_of(
      status.models,
      [](const ModelStatus& model) { return !model.breaker.empty(); });
  if (!has_any) return;
  AppendHead("rev_breaker_state", "gauge",
             "Circuit breaker: 0 closed, 1 half-open, 2 open.", out);
  for (const ModelStatus& model : status.models) {
    if (model.breaker.empty()) continue;
    out += fmt::format("rev_breaker_state{{model={}}} {}\n", Label(model.alias),
                       BreakerNumber(model.breaker));
  }
}

}  // namespace

Json StatusToJson(const RunStatus& status) {
  Json models = Json::array();
  for (const ModelStatus& model : status.models) {
    models.push_back(ModelToJson(model));
  }
  return {{"state", RunStateName(status.state)},
          {"stopped_by", TextOrNull(status.stopped_by)},
          {"started", TextOrNull(status.started)},
          {"time", TextOrNull(status.time)},
          {"seconds", NumberToJson(status.seconds)},
          {"operations",
           {{"planned", status.num_planned},
            {"done", status.num_done},
            {"failed", status.num_failed},
            {"retried", status.num_retried},
            {"resumed", status.num_resumed}}},
          {"operations_per_second", NumberToJson(status.operations_per_second)},
          {"memory",
           {{"limit_bytes", status.memory_limit_bytes},
            {"reserve_bytes", status.memory_reserve_bytes},
            {"planned_bytes", status.planned_bytes},
            {"held_bytes", status.held_bytes},
            {"pss_bytes", status.private_bytes + status.mapped_bytes},
            {"private_bytes", status.private_bytes},
            {"mapped_bytes", status.mapped_bytes}}},
          {"cpu_percent", NumberToJson(status.cpu_percent)},
          {"workers", status.num_workers},
          {"models", std::move(models)},
          {"last", status.last_message.empty()
                       ? Json()
                       : Json({{"time", status.last_time},
                               {"message", status.last_message}})}};
}

std::string StatusToLine(const RunStatus& status) {
  Json json = StatusToJson(status);
  json["schema"] = "revlm.metrics/1";
  return ToLine(json);
}

Result<RunStatus> StatusFromLine(std::string_view line,
                                 const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const Json json, base::ParseJson(line, source));
  Reader top(json, source);
  Reader operations(top.Member("operations"), source);
  Reader memory(top.Member("memory"), source);
  Reader last(top.Member("last"), source);
  const std::string state = top.Text("state");
  const auto* const named =
      std::ranges::find(kStateNames, std::string_view(state),
                        &std::pair<RunState, std::string_view>::second);
  if (named == kStateNames.end()) {
    return base::MakeError(ErrorCode::kCorrupt, "{}: found no \"state\"",
                           source);
  }
  RunStatus status = {
      .run_dir = "",
      .state = named->first,
      .stopped_by = top.Text("stopped_by"),
      .started = top.Text("started"),
      .time = top.Text("time"),
      .seconds = top.Number("seconds"),
      .num_planned = operations.Count("planned"),
      .num_done = operations.Count("done"),
      .num_failed = operations.Count("failed"),
      .num_retried = operations.Count("retried"),
      .num_resumed = operations.Count("resumed"),
      .operations_per_second = top.Number("operations_per_second"),
      .memory_limit_bytes = memory.Bytes("limit_bytes"),
      .memory_reserve_bytes = memory.Bytes("reserve_bytes"),
      .planned_bytes = memory.Bytes("planned_bytes"),
      .held_bytes = memory.Bytes("held_bytes"),
      .private_bytes = memory.Bytes("private_bytes"),
      .mapped_bytes = memory.Bytes("mapped_bytes"),
      .cpu_percent = top.Number("cpu_percent"),
      .num_workers = static_cast<int32_t>(
          std::min<int64_t>(top.Count("workers"), INT32_MAX)),
      .models = {},
      .last_time = last.Text("time"),
      .last_message = last.Text("message")};
  for (const Json& element : top.Member("models")) {
    Reader model(element, source);
    status.models.push_back(ModelFromJson(model));
    top.Merge(model);
  }
  for (Reader* part : {&operations, &memory, &last}) top.Merge(*part);
  if (top.error()) return std::unexpected(*std::move(top.error()));
  return status;
}

std::string StatusToPrometheus(const RunStatus& status,
                               std::span<const Latencies> latencies,
                               const std::map<std::string, int64_t>& retries) {
  std::string out;
  AppendHead("rev_ops_total", "counter", "Finished operations.", out);
  for (const ModelStatus& model : status.models) {
    const std::string label = Label(model.alias);
    out += fmt::format("rev_ops_total{{model={},outcome=\"ok\"}} {}\n", label,
                       model.num_done - model.num_failed);
    out += fmt::format("rev_ops_total{{model={},outcome=\"failed\"}} {}\n",
                       label, model.num_failed);
  }
  AppendHead("rev_op_duration_seconds", "histogram",
             "From when a model was given an operation until it finished.",
             out);
  for (size_t i = 0; i < std::min(latencies.size(), status.models.size());
       ++i) {
    AppendDurations(status.models[i].alias, latencies[i], out);
  }
  AppendMemory(status, out);
  AppendHead("rev_workers", "gauge", "Worker processes.", out);
  out += fmt::format("rev_workers {}\n", status.num_workers);
  AppendHead("rev_queue_depth", "gauge", "Operations not yet finished.", out);
  out +=
      fmt::format("rev_queue_depth {}\n", status.num_planned - status.num_done);
  AppendHead("rev_retries_total", "counter", "Retries, by the error before.",
             out);
  for (const auto& [reason, count] : retries) {
    out += fmt::format("rev_retries_total{{reason={}}} {}\n", Label(reason),
                       count);
  }
  AppendBreakers(status, out);
  return out;
}

}  // namespace revlm::run

namespace revlm {

std::string_view RunStateName(RunState state) {
  for (const auto& [known, name] : run::kStateNames) {
    if (state == known) return name;
  }
  return "";
}

}  // namespace revlm
