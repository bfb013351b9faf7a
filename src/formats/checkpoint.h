// A model on disk: its configuration and where each tensor lies.
//
// `Open` reads and checks everything but the weights: config.json, the optional
// generation_config.json and tokenizer_config.json, and the header of
// model.safetensors, or of every shard that model.safetensors.index.json names.
// Pickle files (.bin, .pt, .pth) are never opened. Files are opened beneath the
// directory; in a Hugging Face cache, beneath the model's folder of that cache
// (formats/model_directory.h).
//
// Weight files are opened once, for direct reads, and held: what was checked is
// what is read later.
//
// Threads: const calls may be made from many threads. Lifetime: owns the files.
// Memory: the tensor records (see safetensors.h), not the weights. Errors:
// kNotFound, kCorrupt, kUnsupported, kUnavailable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "crypto/sha256.h"
#include "formats/chat_template_file.h"
#include "formats/config.h"
#include "formats/model_directory.h"
#include "formats/safetensors.h"

namespace revlm::formats {

inline constexpr uint64_t kMaxConfigBytes = uint64_t{16} << 20;
inline constexpr char kTokenizerName[] = "tokenizer.json";
inline constexpr uint64_t kMaxTokenizerBytes = uint64_t{128} << 20;

// A file read in whole while opening, for the run's manifest.
struct SmallFile {
  std::string name;  // config.json
  uint64_t size_bytes = 0;
  crypto::Sha256Digest sha256 = {};
};

class Checkpoint {
 public:
  // `directory` is a Hugging Face directory.
  static Result<Checkpoint> Open(const std::string& directory);

  const std::string& path() const { return directory_.path(); }
  const ModelConfig& config() const { return config_; }
  const GenerationConfig& generation_config() const {
    return generation_config_;
  }
  const TokenizerConfig& tokenizer_config() const { return tokenizer_config_; }

  // All tensors, in byte order of name.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  // One of them. REQUIRES: in range.
  const TensorInfo& tensor(int32_t tensor_idx) const {
    return tensors_[static_cast<size_t>(tensor_idx)];
  }
  // Null when absent.
  const TensorInfo* Find(std::string_view name) const;

  // The weight files, each opened with Caching::kDirect.
  uint32_t num_files() const { return static_cast<uint32_t>(files_.size()); }
  // REQUIRES: file_idx < num_files().
  const base::File& file(uint32_t file_idx) const { return files_[file_idx]; }
  // The sum over all tensors.
  uint64_t weight_bytes() const { return weight_bytes_; }

  // What it keeps of the heap, at most; the same for the same files.
  uint64_t heap_bytes() const;

  // Those of config.json, generation_config.json, tokenizer_config.json,
  // tokenizer.json and the index that exist, in byte order of name.
  const std::vector<SmallFile>& small_files() const { return small_files_; }

  // tokenizer.json as it was when opened: kCorrupt when it has changed since,
  // kNotFound when there is none.
  Result<std::string> ReadTokenizerJson() const;

  // The chat template, nothing when there is none; tokenizer_config.json as it
  // was when opened. A template in a file of its own is not one of the small
  // files: what is asked as text does not depend on it.
  Result<std::optional<ChatTemplateFile>> ReadChatTemplate() const;

 private:
  explicit Checkpoint(ModelDirectory directory)
      : directory_(std::move(directory)) {}

  Status OpenConfigs();
  Status OpenWeights();
  Status OpenWeightFile(const std::string& name);
  // Reads a small file and notes its digest; nothing when it is absent.
  Result<std::optional<std::string>> ReadSmallFile(const std::string& name,
                                                   uint64_t max_bytes);

  bool HasSmallFile(std::string_view name) const;
  // One of the small files as it was when opened.
  Result<std::string> ReadAgain(const std::string& name,
                                uint64_t max_bytes) const;

  ModelDirectory directory_;
  ModelConfig config_;
  GenerationConfig generation_config_;
  TokenizerConfig tokenizer_config_;
  std::vector<base::File> files_;
  std::vector<TensorInfo> tensors_;
  std::vector<SmallFile> small_files_;
  uint64_t weight_bytes_ = 0;
};

}  // namespace revlm::formats
