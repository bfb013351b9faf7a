// What a configuration accepted says is within its bounds, and printed again it
// reads as the same. The three configuration files are tried with each input.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "formats/chat_template_file.h"
#include "formats/config.h"

namespace revlm::formats {
namespace {

bool IsWithin(int64_t value, int64_t max) { return value >= 1 && value <= max; }

void CheckAccepted(const ModelConfig& config) {
  REVLM_CHECK(!config.model_type.empty());
  REVLM_CHECK(IsWithin(config.vocab_size, kMaxVocabulary));
  REVLM_CHECK(IsWithin(config.hidden_size, kMaxWidth));
  REVLM_CHECK(IsWithin(config.num_layers, kMaxLayers));
  REVLM_CHECK(IsWithin(config.num_heads, kMaxHeads));
  REVLM_CHECK(IsWithin(config.max_positions, kMaxPositions));
  REVLM_CHECK(IsWithin(config.num_kv_heads.value_or(1), config.num_heads));
  REVLM_CHECK(config.num_heads % config.num_kv_heads.value_or(1) == 0);
  REVLM_CHECK(IsWithin(config.head_dim.value_or(1), kMaxHeadDim));
  REVLM_CHECK(config.head_dim || config.hidden_size % config.num_heads == 0);
  REVLM_CHECK(config.layer_types.empty() ||
              std::cmp_equal(config.layer_types.size(), config.num_layers));
  const auto again = ParseModelConfig(config.raw.dump(), "again");
  REVLM_CHECK(again.has_value());
  REVLM_CHECK(*again == config);
}

}  // namespace
}  // namespace revlm::formats

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto config = revlm::formats::ParseModelConfig(text, "input")) {
    revlm::formats::CheckAccepted(*config);
  }
  if (const auto config =
          revlm::formats::ParseGenerationConfig(text, "input")) {
    for (const int64_t id : config->eos_token_ids) REVLM_CHECK(id >= 0);
  }
  static_cast<void>(revlm::formats::ParseTokenizerConfig(text, "input"));
  static_cast<void>(revlm::formats::ParseChatTemplateConfig(text, "input"));
  return 0;
}
