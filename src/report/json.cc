#include "report/json.h"

#include <string>
#include <utility>

#include "revlm/report.h"
#include "run/metrics_text.h"
#include "run/op_record.h"
#include "run/orchestration.h"
#include "verify/record.h"

namespace revlm {
namespace {

using base::Json;
using report::Document;
using report::TextOrNull;

Json ErrorToJson(const Error& error) {
  return {{"code", run::ErrorCodeName(error.code)}, {"message", error.message}};
}

Json ModelToJson(const ModelSummary& model) {
  return {{"alias", model.alias},
          {"reference", model.reference},
          {"directory", model.directory},
          {"commit", TextOrNull(model.commit)},
          {"model_type", model.model_type},
          {"dtype", model.dtype},
          {"compute", model.compute},
          {"num_parameters", model.num_parameters},
          {"weight_bytes", model.weight_bytes},
          {"tensor_root", TextOrNull(model.tensor_root)}};
}

Json ModelPlanToJson(const ModelPlan& plan) {
  return {{"alias", plan.alias},
          {"compute", plan.compute},
          {"weight_bytes", plan.weight_bytes},
          {"pass_bytes", plan.pass_bytes},
          {"program_bytes", plan.program_bytes},
          {"slab_bytes", plan.slab_bytes},
          {"ring_bytes", plan.ring_bytes},
          {"pinned_bytes", plan.pinned_bytes},
          {"activation_bytes", plan.activation_bytes},
          {"kv_bytes", plan.kv_bytes},
          {"spilled_bytes", plan.spilled_bytes},
          {"scratch_bytes", plan.scratch_bytes},
          {"result_bytes", plan.result_bytes},
          {"num_slabs", plan.num_slabs},
          {"num_pinned_slabs", plan.num_pinned_slabs},
          {"rows_per_pass", plan.rows_per_pass},
          {"sequences_per_group", plan.sequences_per_group},
          {"num_groups", plan.num_groups},
          {"num_passes", plan.num_passes},
          {"predicted_seconds", plan.seconds},
          {"read_bytes_per_second", plan.read_bytes_per_second},
          {"flops_per_second", plan.flops_per_second}};
}

Json TokenizerToJson(const InspectReport::Tokenizer& tokenizer) {
  Json special = Json::array();
  for (const auto& token : tokenizer.special_tokens) {
    special.push_back(
        {{"role", token.role}, {"id", token.id}, {"text", token.text}});
  }
  return {{"description", TextOrNull(tokenizer.description)},
          {"special_tokens", std::move(special)},
          {"error", tokenizer.error ? ErrorToJson(*tokenizer.error) : Json()}};
}

void AddTables(const InspectReport& report, Json& document) {
  document["dtypes"] = Json::array();
  for (const auto& dtype : report.dtypes) {
    document["dtypes"].push_back({{"dtype", dtype.dtype},
                                  {"num_tensors", dtype.num_tensors},
                                  {"num_parameters", dtype.num_parameters},
                                  {"bytes", dtype.bytes}});
  }
  document["layers"] = Json::array();
  for (const auto& group : report.layers) {
    Json entry = {{"num_tensors", group.num_tensors},
                  {"bytes_each", group.bytes},
                  {"first_layer", nullptr},
                  {"last_layer", nullptr}};
    if (group.first_layer >= 0) {
      entry["first_layer"] = group.first_layer;
      entry["last_layer"] = group.last_layer;
    }
    document["layers"].push_back(std::move(entry));
  }
  document["files"] = Json::array();
  for (const auto& file : report.files) {
    document["files"].push_back({{"name", file.name},
                                 {"size_bytes", file.size_bytes},
                                 {"sha256", TextOrNull(file.sha256)}});
  }
  document["tensors"] = Json::array();
  for (const auto& tensor : report.tensors) {
    document["tensors"].push_back({{"name", tensor.name},
                                   {"dtype", tensor.dtype},
                                   {"shape", tensor.shape},
                                   {"sha256", tensor.sha256}});
  }
}

}  // namespace

void RenderJson(const RunSummary& summary, int exit_code,
                const TextSink& sink) {
  Json document = Document(kRunSchema, exit_code);
  document["run_dir"] = summary.run_dir;
  document["models"] = Json::array();
  for (const ModelSummary& model : summary.models) {
    document["models"].push_back(ModelToJson(model));
  }
  document["mode"] = summary.mode;
  document["num_prompts"] = summary.num_prompts;
  document["prompt_systems"] = run::SystemsToJson(summary.prompt_systems);
  document["operations"] = {{"planned", summary.num_operations},
                            {"finished", summary.num_finished},
                            {"failed", summary.num_failed},
                            {"resumed", summary.num_resumed},
                            {"retried", summary.num_retried}};
  document["seconds"] = summary.seconds;
  document["peak_memory_bytes"] = summary.peak_memory_bytes;
  document["planned_memory_bytes"] = summary.planned_memory_bytes;
  document["memory_limit_bytes"] = summary.memory_limit_bytes;
  document["stopped_by"] =
      summary.stopped_by ? ErrorToJson(*summary.stopped_by) : Json();
  document["results"] = Json::array();
  const std::string text = run::ToLine(document);
  // Found in no string of it, where quotes are escaped.
  constexpr std::string_view kEmpty = "\"results\":[]";
  const size_t end = text.find(kEmpty) + kEmpty.size() - 1;
  sink(std::string_view(text).substr(0, end));
  for (const OperationResult& result : summary.results) {
    std::string piece = &result == summary.results.data() ? "" : ",";
    run::AppendResult(result, piece);
    sink(piece);
  }
  sink(std::string_view(text).substr(end));
}

std::string RenderJson(const RunSummary& summary, int exit_code) {
  std::string text;
  RenderJson(summary, exit_code,
             [&](std::string_view piece) { text += piece; });
  return text;
}

std::string RenderJson(const InspectReport& report, int exit_code) {
  Json document = Document(kInspectSchema, exit_code);
  document["alias"] = report.alias;
  document["reference"] = report.reference;
  document["directory"] = report.directory;
  document["model_id"] = TextOrNull(report.model_id);
  document["commit"] = TextOrNull(report.commit);
  document["model_type"] = report.model_type;
  document["architectures"] = report.architectures;
  document["cannot_run"] =
      report.cannot_run ? ErrorToJson(*report.cannot_run) : Json();
  document["num_layers"] = report.num_layers;
  document["hidden_size"] = report.hidden_size;
  document["num_heads"] = report.num_heads;
  document["num_kv_heads"] = report.num_kv_heads;
  document["vocab_size"] = report.vocab_size;
  document["context_length"] = report.context_length;
  document["num_tensors"] = report.num_tensors;
  document["num_parameters"] = report.num_parameters;
  document["weight_bytes"] = report.weight_bytes;
  document["compute"] = TextOrNull(report.compute);
  document["tokenizer"] = TokenizerToJson(report.tokenizer);
  document["memory"] = nullptr;
  if (report.memory) {
    document["memory"] = {
        {"resident_bytes", report.memory->resident_bytes},
        {"streaming_bytes", report.memory->streaming_bytes},
        {"prompt_token_bytes", report.memory->prompt_token_bytes},
        {"kv_token_bytes", report.memory->kv_token_bytes}};
  }
  document["tensor_root"] = TextOrNull(report.tensor_root);
  AddTables(report, document);
  return run::ToLine(document);
}

std::string RenderJson(const PlanReport& report, int exit_code) {
  Json document = Document(kPlanSchema, exit_code);
  document["limit_bytes"] = report.limit_bytes;
  document["limit_notice"] = TextOrNull(report.limit_notice);
  document["floor_bytes"] = report.floor_bytes;
  document["peak_bytes"] = report.peak_bytes;
  document["mode"] = report.mode;
  document["num_prompts"] = report.num_prompts;
  document["num_operations"] = report.num_operations;
  document["max_models_at_once"] = report.max_models_at_once;
  document["num_workers"] = report.num_workers;
  document["at_once"] = Json::array();
  for (const AtOnceChoice& choice : report.at_once) {
    document["at_once"].push_back({{"num_workers", choice.num_workers},
                                   {"predicted_seconds", choice.seconds}});
  }
  document["predicted_seconds"] = report.seconds;
  document["models"] = Json::array();
  for (const ModelPlan& plan : report.models) {
    document["models"].push_back(ModelPlanToJson(plan));
  }
  return run::ToLine(document);
}

std::string RenderJson(const RunStatus& status, int exit_code) {
  Json document = Document(kMonitorSchema, exit_code);
  document["run_dir"] = status.run_dir;
  document.update(run::StatusToJson(status));
  return run::ToLine(document);
}

std::string RenderJson(const Comparison& comparison, std::string_view schema,
                       int exit_code) {
  Json document = Document(schema, exit_code);
  document.update(verify::ComparisonToJson(comparison));
  document["schema"] = schema;
  document["run_dir"] = comparison.run_dir;
  document["seconds"] = comparison.seconds;
  return run::ToLine(document);
}

std::string RenderJson(const Error& error, std::string_view schema,
                       int exit_code) {
  Json document = Document(schema, exit_code);
  document["error"] = ErrorToJson(error);
  return run::ToLine(document);
}

}  // namespace revlm
