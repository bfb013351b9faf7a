#include "formats/checkpoint.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/bytes.h"
#include "base/heap_size.h"
#include "base/quote.h"
#include "formats/safetensors_index.h"

namespace revlm::formats {
namespace {

using base::MakeError;

constexpr char kConfigName[] = "config.json";
constexpr char kGenerationConfigName[] = "generation_config.json";
constexpr char kTokenizerConfigName[] = "tokenizer_config.json";
constexpr char kWeightsName[] = "model.safetensors";
constexpr char kIndexName[] = "model.safetensors.index.json";

// Why a directory without safetensors cannot be used, from what it does hold.
std::unexpected<Error> NoWeights(const ModelDirectory& directory) {
  REVLM_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                         directory.ListNames());
  const auto find = [&](std::initializer_list<std::string_view> suffixes) {
    return std::ranges::find_if(names, [&](const std::string& name) {
      return std::ranges::any_of(
          suffixes, [&](std::string_view s) { return name.ends_with(s); });
    });
  };
  if (const auto pickle = find({".bin", ".pt", ".pth", ".ckpt"});
      pickle != names.end()) {
    return MakeError(
        ErrorCode::kUnsupported,
        "opening {}: its weights are Python pickles ({}), which run code when "
        "read and are never opened; try a revision with {}, or convert it: "
        "save_pretrained(..., safe_serialization=True)",
        directory.path(), base::Quote(*pickle), kWeightsName);
  }
  if (const auto gguf = find({".gguf"}); gguf != names.end()) {
    return MakeError(ErrorCode::kUnsupported,
                     "opening {}: GGUF files ({}) are not supported yet",
                     directory.path(), base::Quote(*gguf));
  }
  return MakeError(ErrorCode::kNotFound,
                   "opening {}: neither {} nor {} there (download incomplete?)",
                   directory.path(), kWeightsName, kIndexName);
}

// The value, or nothing when the file does not exist.
template <typename T>
Result<std::optional<T>> Optional(Result<T> result) {
  if (result) return std::optional<T>(std::move(*result));
  if (result.error().code == ErrorCode::kNotFound) return std::nullopt;
  return std::unexpected<Error>(std::move(result).error());
}

}  // namespace

Result<Checkpoint> Checkpoint::Open(const std::string& directory) {
  REVLM_ASSIGN_OR_RETURN(ModelDirectory opened,
                         ModelDirectory::Open(directory));
  Checkpoint checkpoint(std::move(opened));
  REVLM_TRY(checkpoint.OpenConfigs());
  REVLM_TRY(checkpoint.OpenWeights());
  std::ranges::sort(checkpoint.small_files_, {}, &SmallFile::name);
  return checkpoint;
}

Status Checkpoint::OpenConfigs() {
  REVLM_ASSIGN_OR_RETURN(const auto config,
                         ReadSmallFile(kConfigName, kMaxConfigBytes));
  if (!config) {
    return MakeError(ErrorCode::kNotFound,
                     "opening {}: no {}; allowed is a Hugging Face directory "
                     "with {} and {}",
                     path(), kConfigName, kConfigName, kWeightsName);
  }
  REVLM_ASSIGN_OR_RETURN(config_,
                         ParseModelConfig(*config, path() + "/" + kConfigName));
  REVLM_ASSIGN_OR_RETURN(const auto generation,
                         ReadSmallFile(kGenerationConfigName, kMaxConfigBytes));
  if (generation) {
    REVLM_ASSIGN_OR_RETURN(
        generation_config_,
        ParseGenerationConfig(*generation,
                              path() + "/" + kGenerationConfigName));
  }
  REVLM_ASSIGN_OR_RETURN(const auto tokenizer,
                         ReadSmallFile(kTokenizerConfigName, kMaxConfigBytes));
  if (tokenizer) {
    REVLM_ASSIGN_OR_RETURN(
        tokenizer_config_,
        ParseTokenizerConfig(*tokenizer, path() + "/" + kTokenizerConfigName));
  }
  REVLM_TRY(ReadSmallFile(kTokenizerName, kMaxTokenizerBytes));
  return {};
}

Status Checkpoint::OpenWeights() {
  auto single = OpenWeightFile(kWeightsName);
  if (!single && single.error().code != ErrorCode::kNotFound) return single;
  if (!single) {
    REVLM_ASSIGN_OR_RETURN(const auto text,
                           ReadSmallFile(kIndexName, kMaxIndexBytes));
    if (!text) return NoWeights(directory_);
    const std::string source = path() + "/" + kIndexName;
    REVLM_ASSIGN_OR_RETURN(const SafetensorsIndex index,
                           ParseSafetensorsIndex(*text, source));
    for (const std::string& shard : index.shards) {
      REVLM_TRY(OpenWeightFile(shard));
    }
    std::ranges::sort(tensors_, {}, [](const TensorInfo& tensor) {
      return std::pair(std::string_view(tensor.name), tensor.file_idx);
    });
    REVLM_TRY(CheckIndexAgainstShards(index, tensors_, source));
  }
  for (const TensorInfo& tensor : tensors_) weight_bytes_ += tensor.size_bytes;
  return {};
}

Status Checkpoint::OpenWeightFile(const std::string& name) {
  REVLM_ASSIGN_OR_RETURN(const base::File buffered,
                         directory_.OpenFile(name, base::Caching::kPageCache));
  REVLM_ASSIGN_OR_RETURN(SafetensorsHeader header,
                         ReadSafetensorsHeader(buffered));
  REVLM_ASSIGN_OR_RETURN(base::File direct,
                         directory_.OpenFile(name, base::Caching::kDirect));
  if (direct.identity() != buffered.identity()) {
    return MakeError(ErrorCode::kUnavailable,
                     "opening {}: it was replaced meanwhile; try again",
                     direct.path());
  }
  for (TensorInfo& tensor : header.tensors) tensor.file_idx = num_files();
  tensors_.insert(tensors_.end(),
                  std::make_move_iterator(header.tensors.begin()),
                  std::make_move_iterator(header.tensors.end()));
  files_.push_back(std::move(direct));
  return {};
}

Result<std::optional<std::string>> Checkpoint::ReadSmallFile(
    const std::string& name, uint64_t max_bytes) {
  REVLM_ASSIGN_OR_RETURN(
      const auto file,
      Optional(directory_.OpenFile(name, base::Caching::kPageCache)));
  if (!file) return std::nullopt;
  REVLM_ASSIGN_OR_RETURN(std::string content,
                         base::ReadWholeFile(*file, max_bytes));
  small_files_.push_back(
      {name, content.size(), crypto::Sha256(base::AsBytes(content))});
  return content;
}

const TensorInfo* Checkpoint::Find(std::string_view name) const {
  const auto tensor =
      std::ranges::lower_bound(tensors_, name, {}, &TensorInfo::name);
  if (tensor == tensors_.end() || tensor->name != name) return nullptr;
  return &*tensor;
}

bool Checkpoint::HasSmallFile(std::string_view name) const {
  return std::ranges::find(small_files_, name, &SmallFile::name) !=
         small_files_.end();
}

Result<std::string> Checkpoint::ReadAgain(const std::string& name,
                                          uint64_t max_bytes) const {
  const auto noted = std::ranges::find(small_files_, name, &SmallFile::name);
  if (noted == small_files_.end()) {
    return MakeError(ErrorCode::kNotFound, "opening {}: no {}", path(), name);
  }
  REVLM_ASSIGN_OR_RETURN(const base::File file,
                         directory_.OpenFile(name, base::Caching::kPageCache));
  REVLM_ASSIGN_OR_RETURN(std::string content,
                         base::ReadWholeFile(file, max_bytes));
  if (crypto::Sha256(base::AsBytes(content)) != noted->sha256) {
    return MakeError(ErrorCode::kCorrupt,
                     "reading {}: it has changed since the model was opened",
                     file.path());
  }
  return content;
}

Result<std::string> Checkpoint::ReadTokenizerJson() const {
  return ReadAgain(kTokenizerName, kMaxTokenizerBytes);
}

Result<std::optional<ChatTemplateFile>> Checkpoint::ReadChatTemplate() const {
  ChatTemplateFile form;
  std::optional<std::string> text;
  if (HasSmallFile(kTokenizerConfigName)) {
    form.path = path() + "/" + kTokenizerConfigName;
    REVLM_ASSIGN_OR_RETURN(const std::string json,
                           ReadAgain(kTokenizerConfigName, kMaxConfigBytes));
    REVLM_ASSIGN_OR_RETURN(ChatTemplateConfig config,
                           ParseChatTemplateConfig(json, form.path));
    text = std::move(config.text);
    form.tokens = std::move(config.tokens);
  }
  REVLM_ASSIGN_OR_RETURN(const auto file,
                         Optional(directory_.OpenFile(
                             kChatTemplateName, base::Caching::kPageCache)));
  if (file) {
    form.path = file->path();
    REVLM_ASSIGN_OR_RETURN(text,
                           base::ReadWholeFile(*file, kMaxChatTemplateBytes));
  }
  if (!text) return std::nullopt;
  form.text = *std::move(text);
  form.sha256 = crypto::Sha256(base::AsBytes(form.text));
  return form;
}

uint64_t Checkpoint::heap_bytes() const {
  constexpr uint64_t kConfigBytes = 64 << 10;  // all three, and the directory
  uint64_t bytes = kConfigBytes + base::HeapBytes(tensors_) +
                   base::HeapBytes(files_) + base::HeapBytes(small_files_);
  for (const TensorInfo& tensor : tensors_) {
    bytes += base::HeapBytes(tensor.name) + base::HeapBytes(tensor.shape);
  }
  for (const base::File& file : files_) {
    bytes += base::HeapBytes(file.path());
  }
  return bytes;
}

}  // namespace revlm::formats
