#include "run/manifest.h"

#include <utility>

#include "base/hex.h"
#include "revlm/version.h"
#include "run/chat_form.h"
#include "run/host.h"
#include "run/op_record.h"
#include "run/run_directory.h"

namespace revlm::run {
namespace {

using base::Json;

// How the model is asked; nothing when that is text, as it always was once.
void AddForm(const ModelDescription& model, Json& json) {
  if (model.chat_template_sha256.empty()) return;
  json["prompt_form"] = PromptFormName(PromptForm::kChat);
  json["chat_template_sha256"] = model.chat_template_sha256;
}

Json ModelToJson(const ModelWork& work) {
  const ModelDescription& model = work.description;
  const ModelSummary& summary = model.summary;
  if (work.cannot_open) {
    return {{"alias", summary.alias},
            {"reference", summary.reference},
            {"identity", model.identity},
            {"tensor_root", nullptr},
            {"error",
             {{"code", ErrorCodeName(work.cannot_open->code)},
              {"message", work.cannot_open->message}}}};
  }
  Json small_files = Json::array();
  std::string tokenizer_sha256;
  for (const SmallFileFact& file : model.small_files) {
    small_files.push_back({{"name", file.name},
                           {"size_bytes", file.size_bytes},
                           {"sha256", file.sha256}});
    if (file.name == "tokenizer.json") tokenizer_sha256 = file.sha256;
  }
  Json json = {{"alias", summary.alias},
               {"reference", summary.reference},
               {"directory", summary.directory},
               {"model_type", summary.model_type},
               {"dtype", summary.dtype},
               {"num_parameters", summary.num_parameters},
               {"weight_bytes", summary.weight_bytes},
               {"identity", model.identity},
               {"numerics", NumericsToJson(model.numerics)},
               {"small_files", std::move(small_files)},
               {"tokenizer_sha256", tokenizer_sha256},
               {"weight_files", WeightFilesToJson(model.weight_files)},
               {"tensors_file", TensorsFileName(summary.alias)},
               {"tensor_root", nullptr}};
  if (model.model_id) json["model_id"] = *model.model_id;
  AddForm(model, json);
  if (!summary.commit.empty()) json["commit"] = summary.commit;
  return json;
}

// Member `key` of a model in `manifest`, or null.
const Json* FindInModel(const Json& manifest, size_t model_idx,
                        std::string_view key) {
  const Json* models = base::FindMember(manifest, "models");
  if (models == nullptr || !models->is_array() || model_idx >= models->size()) {
    return nullptr;
  }
  return base::FindMember((*models)[model_idx], key);
}

}  // namespace

Json PlanToJson(const RunOptions& options, const Preparation& prepared) {
  Json plan = ParametersToJson(options);
  plan["max_tokens"] = options.max_tokens;
  plan["mode"] = ModeName(options.mode);
  plan["num_prompts"] = prepared.prompts.size();
  plan["prompt_systems"] = nullptr;
  plan["prompt_strategy"] = nullptr;
  plan["challenge_focus"] = nullptr;
  if (options.orchestration) {
    plan["prompt_systems"] = Json::array();
    for (const PromptSystemReport& system : prepared.prompt_systems) {
      plan["prompt_systems"].push_back(
          {{"name", system.name}, {"share", system.share}});
    }
    plan["prompt_strategy"] =
        PromptStrategyName(options.orchestration->strategy);
    plan["challenge_focus"] = ChallengeFocusName(options.orchestration->focus);
  }
  plan["prompts_sha256"] = PromptSetSha256(prepared.prompts);
  plan["models"] = Json::array();
  for (const ModelWork& work : prepared.work) {
    const ModelDescription& model = work.description;
    plan["models"].push_back({{"alias", model.summary.alias},
                              {"reference", model.summary.reference},
                              {"identity", model.identity}});
    AddForm(model, plan["models"].back());
  }
  return plan;
}

Json NewManifest(const RunOptions& options, const Preparation& prepared,
                 Json plan, const base::Clock& clock) {
  const Host host = DescribeHost();
  Json manifest = {
      {"schema", kManifestSchema},
      {"state", "running"},
      {"created", base::FormatUtc(clock.Wall())},
      {"command_line", options.command_line},
      {"versions", {{"revlm", kVersion}}},
      {"host",
       {{"cpu", host.cpu},
        {"num_cpus", host.num_cpus},
        {"memory_bytes", host.memory_bytes}}},
      {"plan", std::move(plan)},
      {"settings",
       {{"threads", options.num_threads},
        {"batch_size", options.batch_size ? Json(*options.batch_size) : Json()},
        {"keep_weights", options.keep_weights},
        {"adaptive", options.adaptive},
        {"adaptation_interval", options.adaptation_interval},
        {"priority", options.priority},
        {"workers", options.num_workers ? Json(*options.num_workers) : Json()},
        {"max_retries", options.max_retries},
        {"circuit_breaker", options.circuit_breaker},
        {"memory_limit_bytes",
         options.memory_limit_bytes.value_or(kDefaultMemoryLimitBytes)},
        {"per_process_bytes",
         options.per_process_bytes.value_or(kDefaultPerProcessBytes)},
        {"prompt_file", options.prompt_file}}},
      {"models", Json::array()}};
  for (const ModelWork& work : prepared.work) {
    manifest["models"].push_back(ModelToJson(work));
  }
  return manifest;
}

bool BeganWithModel(const Json& manifest, size_t model_idx,
                    const std::string& reference) {
  const Json* before = FindInModel(manifest, model_idx, "reference");
  const Json* identity = FindInModel(manifest, model_idx, "identity");
  return before != nullptr && *before == reference && identity != nullptr &&
         *identity != "";
}

std::optional<std::string> TensorRootIn(const Json& manifest,
                                        size_t model_idx) {
  const Json* root = FindInModel(manifest, model_idx, "tensor_root");
  if (root == nullptr || !root->is_string()) return std::nullopt;
  return root->get<std::string>();
}

void SetTensorRoot(Json& manifest, size_t model_idx, const std::string& root) {
  manifest["models"][model_idx]["tensor_root"] = root;
}

std::string TensorsFileName(const std::string& alias) {
  return "tensors-" + alias + ".json";
}

Status CheckNumerics(const Json& manifest, size_t model_idx,
                     const ModelDescription& model) {
  const Json* before = FindInModel(manifest, model_idx, "numerics");
  if (before == nullptr) return {};
  const auto difference =
      FindPlanDifference(*before, NumericsToJson(model.numerics));
  if (!difference) return {};
  return base::MakeError(
      ErrorCode::kInvalidArgument,
      "resuming {}: this machine computes in another numerics class than the "
      "run began with ({}); start a new run here",
      model.summary.alias, *difference);
}

Status CheckWeightFiles(const Json& manifest, size_t model_idx,
                        const ModelDescription& model) {
  const Json* before = FindInModel(manifest, model_idx, "weight_files");
  if (before == nullptr || *before == WeightFilesToJson(model.weight_files)) {
    return {};
  }
  return base::MakeError(
      ErrorCode::kInvalidArgument,
      "resuming {}: the weight files in {} changed since the run began, and it "
      "was stopped before their digests were known; start a new run",
      model.summary.alias, model.summary.directory);
}

}  // namespace revlm::run
