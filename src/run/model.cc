#include "run/model.h"

#include <map>
#include <utility>

#include "base/bytes.h"
#include "base/hex.h"

namespace revlm::run {
namespace {

// Of the largest part of the weights.
std::string MainDtype(const formats::Checkpoint& checkpoint) {
  std::string dtype;
  std::map<formats::DType, uint64_t> bytes_of;
  uint64_t most_bytes = 0;
  for (const formats::TensorInfo& tensor : checkpoint.tensors()) {
    const uint64_t bytes = bytes_of[tensor.dtype] += tensor.size_bytes;
    if (bytes >= most_bytes) {
      most_bytes = bytes;
      dtype = formats::DTypeName(tensor.dtype);
    }
  }
  return dtype;
}

}  // namespace

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

formats::CacheRoots RootsFrom(const Environment& environment) {
  return {.hf_hub_cache = environment.hf_hub_cache,
          .huggingface_hub_cache = environment.huggingface_hub_cache,
          .hf_home = environment.hf_home,
          .xdg_cache_home = environment.xdg_cache_home,
          .home = environment.home};
}

Result<Model> LoadModel(const std::string& reference, const RunOptions& options,
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
  REVLM_ASSIGN_OR_RETURN(model.chat,
                         ChatForm::Open(*model.checkpoint, FormOf(options)));
  model.identity = ModelIdentity(*model.checkpoint);
  REVLM_ASSIGN_OR_RETURN(
      model.engine, engine::Engine::Open(*model.checkpoint, budget,
                                         {.compute = ComputeOf(options.dtype),
                                          .num_threads = options.num_threads,
                                          .batch_size = options.batch_size,
                                          .keep_weights = options.keep_weights,
                                          .spill_directory = spill_directory}));
  return model;
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

std::vector<WeightFileFact> WeightFilesOf(
    const formats::Checkpoint& checkpoint) {
  std::vector<WeightFileFact> files;
  for (uint32_t i = 0; i < checkpoint.num_files(); ++i) {
    const base::File& file = checkpoint.file(i);
    files.push_back({.name = file.path().substr(file.path().rfind('/') + 1),
                     .identity = file.identity()});
  }
  return files;
}

ModelDescription Describe(const Model& model) {
  const formats::Checkpoint& checkpoint = *model.checkpoint;
  ModelDescription description;
  ModelSummary& summary = description.summary;
  summary = {.alias = {},
             .reference = model.reference,
             .directory = model.resolved.directory,
             .commit = model.resolved.commit.value_or(""),
             .model_type = checkpoint.config().model_type,
             .dtype = MainDtype(checkpoint),
             .compute = model.engine->numerics().compute,
             .num_parameters = 0,
             .weight_bytes = checkpoint.weight_bytes(),
             .tensor_root = {}};
  for (const formats::TensorInfo& tensor : checkpoint.tensors()) {
    summary.num_parameters += NumParameters(tensor);
  }
  description.name = model.resolved.name;
  description.model_id = model.resolved.model_id;
  description.identity = model.identity;
  if (model.chat) description.chat_template_sha256 = model.chat->sha256();
  description.numerics = model.engine->numerics();
  for (const formats::SmallFile& file : checkpoint.small_files()) {
    description.small_files.push_back({.name = file.name,
                                       .size_bytes = file.size_bytes,
                                       .sha256 = base::ToHex(file.sha256)});
  }
  description.weight_files = WeightFilesOf(checkpoint);
  description.need = model.engine->memory_need();
  return description;
}

}  // namespace revlm::run
