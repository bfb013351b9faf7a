#include "run/model.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/hex.h"

namespace revlm::run {
namespace {

using base::Json;

constexpr size_t kMaxAliasBytes = 64;

// A name that is safe in a file name and on a terminal.
std::string MakeAlias(std::string name, std::set<std::string>& taken) {
  for (char& c : name) {
    const bool is_safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                         c == '-';
    if (!is_safe) c = '_';
  }
  if (name.empty()) name = "model";
  if (name.size() > kMaxAliasBytes) name.resize(kMaxAliasBytes);
  std::string alias = name;
  for (int ordinal = 2; !taken.insert(alias).second; ++ordinal) {
    alias = fmt::format("{}-{}", name, ordinal);
  }
  return alias;
}

engine::ComputeType ComputeOf(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return engine::ComputeType::kF32;
    case Dtype::kBf16:
      return engine::ComputeType::kBf16;
    default:
      return engine::ComputeType::kAuto;
  }
}

Result<Model> OpenModel(const std::string& reference, const RunOptions& options,
                        memory::Budget& budget,
                        const std::string& spill_directory) {
  Model model;
  model.reference = reference;
  REVLM_ASSIGN_OR_RETURN(
      model.resolved,
      formats::ResolveModelRef(reference, RootsFrom(options.environment)));
  REVLM_ASSIGN_OR_RETURN(formats::Checkpoint checkpoint,
                         formats::Checkpoint::Open(model.resolved.directory));
  model.checkpoint =
      std::make_unique<formats::Checkpoint>(std::move(checkpoint));
  REVLM_ASSIGN_OR_RETURN(const std::string tokenizer_json,
                         model.checkpoint->ReadTokenizerJson());
  REVLM_ASSIGN_OR_RETURN(
      tokenizer::Tokenizer tokenizer,
      tokenizer::Tokenizer::FromJson(
          tokenizer_json, model.checkpoint->path() + "/tokenizer.json"));
  model.tokenizer =
      std::make_unique<tokenizer::Tokenizer>(std::move(tokenizer));
  model.identity = ModelIdentity(*model.checkpoint);
  REVLM_ASSIGN_OR_RETURN(
      model.engine, engine::Engine::Open(*model.checkpoint, budget,
                                         {.compute = ComputeOf(options.dtype),
                                          .num_threads = options.num_threads,
                                          .batch_size = options.batch_size,
                                          .keep_weights = options.keep_weights,
                                          .spill_directory = spill_directory}));
  model.numerics = model.engine->numerics();
  return model;
}

}  // namespace

formats::CacheRoots RootsFrom(const Environment& environment) {
  return {.hf_hub_cache = environment.hf_hub_cache,
          .huggingface_hub_cache = environment.huggingface_hub_cache,
          .hf_home = environment.hf_home,
          .xdg_cache_home = environment.xdg_cache_home,
          .home = environment.home};
}

Result<std::vector<Model>> OpenModels(const RunOptions& options,
                                      size_t num_models, memory::Budget& budget,
                                      const std::string& spill_directory) {
  std::vector<Model> models;
  std::set<std::string> aliases;
  for (size_t i = 0; i < num_models; ++i) {
    REVLM_ASSIGN_OR_RETURN(Model model, OpenModel(options.models[i], options,
                                                  budget, spill_directory));
    model.alias = MakeAlias(model.resolved.name, aliases);
    models.push_back(std::move(model));
  }
  return models;
}

std::string ModelIdentity(const formats::Checkpoint& checkpoint) {
  crypto::Sha256Hasher hasher;
  hasher.Update(base::AsBytes("revlm/model/v1\n"));
  for (const formats::SmallFile& file : checkpoint.small_files()) {
    hasher.Update(base::AsBytes(
        fmt::format("{} {}\n", file.name, base::ToHex(file.sha256))));
  }
  for (const formats::TensorInfo& tensor : checkpoint.tensors()) {
    std::string line =
        tensor.name + " " + std::string(formats::DTypeName(tensor.dtype));
    for (const uint64_t dimension : tensor.shape) {
      line += ' ';
      line += std::to_string(dimension);
    }
    line += '\n';
    hasher.Update(base::AsBytes(line));
  }
  return base::ToHex(hasher.Finish());
}

uint64_t NumParameters(const formats::TensorInfo& tensor) {
  uint64_t count = 1;
  for (const uint64_t dimension : tensor.shape) count *= dimension;
  return count;
}

ModelSummary Summarize(const Model& model) {
  ModelSummary summary = {.alias = model.alias,
                          .reference = model.reference,
                          .directory = model.resolved.directory,
                          .commit = model.resolved.commit.value_or(""),
                          .model_type = model.checkpoint->config().model_type,
                          .dtype = {},
                          .compute = model.numerics.compute,
                          .num_parameters = 0,
                          .weight_bytes = model.checkpoint->weight_bytes(),
                          .tensor_root = {}};
  std::map<formats::DType, uint64_t> bytes_of;
  uint64_t most_bytes = 0;
  for (const formats::TensorInfo& tensor : model.checkpoint->tensors()) {
    summary.num_parameters += NumParameters(tensor);
    const uint64_t bytes = bytes_of[tensor.dtype] += tensor.size_bytes;
    if (bytes >= most_bytes) {
      most_bytes = bytes;
      summary.dtype = formats::DTypeName(tensor.dtype);
    }
  }
  return summary;
}

Json NumericsToJson(const engine::NumericsClass& numerics) {
  return {{"isa", numerics.isa},
          {"compute", numerics.compute},
          {"products", numerics.products},
          {"row_tile", numerics.row_tile},
          {"kernels", numerics.kernels}};
}

}  // namespace revlm::run
