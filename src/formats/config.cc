#include "formats/config.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/quote.h"

namespace revlm::formats {
namespace {

using base::IntRange;
using base::Json;
using base::MakeError;

constexpr int64_t kMaxTokenId = INT32_MAX;
constexpr size_t kMaxNameBytes = 128;

struct NumberRange {
  double min;
  double max;
};
constexpr NumberRange kPositive = {1e-12, 1e12};

// One place where a field may stand.
struct Place {
  const Json* object;
  std::string_view key;
};
using Places = std::vector<Place>;

// Reads fields and remembers the first error, which `status` gives at the end;
// after one, fields come out empty. Of a field with several places all that are
// present must agree.
class FieldReader {
 public:
  explicit FieldReader(const std::string& source) : source_(source) {}

  std::optional<int64_t> Int(const Places& places, IntRange range) {
    return Read<int64_t>(places, [&](const Place& place) {
      return base::GetInt(*place.object, place.key, range, source_);
    });
  }

  std::optional<double> Number(const Places& places, NumberRange range) {
    return Read<double>(
        places, [&](const Place& place) -> Result<std::optional<double>> {
          auto value = base::GetNumber(*place.object, place.key, source_);
          if (value && *value && (**value < range.min || **value > range.max)) {
            return MakeError(ErrorCode::kCorrupt,
                             "{}: \"{}\" is {}, allowed is {} to {}", source_,
                             place.key, **value, range.min, range.max);
          }
          return value;
        });
  }

  std::optional<bool> Bool(const Places& places) {
    return Read<bool>(places, [&](const Place& place) {
      return base::GetBool(*place.object, place.key, source_);
    });
  }

  // A short text that may go into messages as it is.
  std::optional<std::string> Name(const Places& places) {
    return Read<std::string>(
        places, [&](const Place& place) -> Result<std::optional<std::string>> {
          auto value = base::GetString(*place.object, place.key, source_);
          if (value && *value && !IsName(**value)) {
            return NotAName(place.key, **value);
          }
          return value;
        });
  }

  std::vector<std::string> Names(const Json& object, std::string_view key,
                                 size_t max_count) {
    std::vector<std::string> names;
    const Json* member = base::FindMember(object, key);
    if (member == nullptr) return names;
    if (!member->is_array() || member->size() > max_count) {
      Fail("\"{}\" is not a list of at most {} names", key, max_count);
      return names;
    }
    for (const Json& name : *member) {
      if (!name.is_string()) {
        Fail("\"{}\" holds something else than names", key);
        return {};
      }
      names.push_back(name.get<std::string>());
      if (!IsName(names.back())) {
        Set(NotAName(key, names.back()));
        return {};
      }
    }
    return names;
  }

  // A token id or a list of them.
  std::vector<int64_t> TokenIds(const Json& object, std::string_view key) {
    const Json* member = base::FindMember(object, key);
    if (member == nullptr) return {};
    const Json list = member->is_array() ? *member : Json::array({*member});
    if (list.size() > kMaxNameBytes) {
      Fail("\"{}\" holds {} ids, allowed are {}", key, list.size(),
           kMaxNameBytes);
      return {};
    }
    std::vector<int64_t> ids;
    for (const Json& id : list) {
      const Json wrapped = {{key, id}};
      if (const auto value = Int({{&wrapped, key}}, {0, kMaxTokenId})) {
        ids.push_back(*value);
      } else {
        Fail("\"{}\" holds null", key);
      }
    }
    return ids;
  }

  template <typename... Args>
  void Fail(fmt::format_string<Args...> format, Args&&... args) {
    Set(MakeError(ErrorCode::kCorrupt, "{}: {}", source_,
                  fmt::format(format, std::forward<Args>(args)...)));
  }
  void Set(std::unexpected<Error> error) {
    if (status_) status_ = std::move(error);
  }
  const Status& status() const { return status_; }

 private:
  template <typename T, typename Get>
  std::optional<T> Read(const Places& places, Get get) {
    std::optional<T> found;
    std::string_view found_key;
    for (const Place& place : places) {
      if (!status_ || place.object == nullptr) continue;
      Result<std::optional<T>> value = get(place);
      if (!value) {
        Set(std::unexpected<Error>(std::move(value).error()));
      } else if (*value && found && **value != *found) {
        Fail("\"{}\" is {} and \"{}\" is {}: they must agree", found_key,
             *found, place.key, **value);
      } else if (*value) {
        found = std::move(**value);
        found_key = place.key;
      }
    }
    return status_ ? found : std::nullopt;
  }

  static bool IsName(std::string_view text) {
    return !text.empty() && text.size() <= kMaxNameBytes &&
           std::ranges::all_of(text,
                               [](char c) { return c > 0x20 && c < 0x7f; });
  }
  std::unexpected<Error> NotAName(std::string_view key,
                                  const std::string& text) const {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: \"{}\" is {}, allowed is a name of 1 to {} printable "
                     "ASCII characters",
                     source_, key, base::Quote(text), kMaxNameBytes);
  }

  const std::string& source_;
  Status status_;
};

Result<Json> ParseObject(std::string_view text, const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(Json root, base::ParseJson(text, source));
  if (!root.is_object()) {
    return MakeError(ErrorCode::kCorrupt, "{}: not a JSON object", source);
  }
  return root;
}

// A member that is an object; null when absent.
const Json* ObjectMember(const Json& root, std::string_view key,
                         FieldReader& fields) {
  const Json* member = base::FindMember(root, key);
  if (member != nullptr && !member->is_object()) {
    fields.Fail("\"{}\" is not an object", key);
    return nullptr;
  }
  return member;
}

RopeConfig ReadRope(const Json& root, FieldReader& fields) {
  RopeConfig rope;
  const Json* parameters = ObjectMember(root, "rope_parameters", fields);
  const Json* scaling = ObjectMember(root, "rope_scaling", fields);
  if (parameters != nullptr &&
      std::ranges::any_of(*parameters, &Json::is_structured)) {
    rope.type = "per_layer_type";
    return rope;
  }
  // Inside either object, then at the top under any of `top_keys`.
  const auto places = [&](std::string_view key,
                          std::initializer_list<std::string_view> top_keys) {
    Places all = {{parameters, key}, {scaling, key}};
    for (const std::string_view top : top_keys) all.push_back({&root, top});
    return all;
  };
  const auto number = [&](std::string_view key) {
    return fields.Number(places(key, {}), kPositive);
  };
  const auto type = fields.Name({{parameters, "rope_type"},
                                 {parameters, "type"},
                                 {scaling, "rope_type"},
                                 {scaling, "type"}});
  if (type) rope.type = *type;
  rope.theta = fields.Number(
      places("rope_theta", {"rope_theta", "rotary_emb_base"}), kPositive);
  rope.partial_rotary_factor = fields.Number(
      places("partial_rotary_factor", {"partial_rotary_factor", "rotary_pct"}),
      {1e-6, 1});
  rope.factor = number("factor");
  rope.original_max_positions =
      fields.Int(places("original_max_position_embeddings",
                        {"original_max_position_embeddings"}),
                 {1, kMaxPositions});
  rope.low_freq_factor = number("low_freq_factor");
  rope.high_freq_factor = number("high_freq_factor");
  rope.beta_fast = number("beta_fast");
  rope.beta_slow = number("beta_slow");
  rope.attention_factor = number("attention_factor");
  rope.mscale = fields.Number(places("mscale", {}), {0, 1e6});
  rope.mscale_all_dim = fields.Number(places("mscale_all_dim", {}), {0, 1e6});
  rope.truncate = fields.Bool(places("truncate", {}));
  return rope;
}

// The sizes that every family has, under one of their names.
Status ReadSizes(const Json& root, const std::string& source,
                 FieldReader& fields, ModelConfig& config) {
  struct Size {
    int64_t ModelConfig::* field;
    std::vector<std::string_view> keys;
    IntRange range;
  };
  const Size sizes[] = {
      {&ModelConfig::vocab_size, {"vocab_size"}, {1, kMaxVocabulary}},
      {&ModelConfig::hidden_size, {"hidden_size", "n_embd"}, {1, kMaxWidth}},
      {&ModelConfig::num_layers,
       {"num_hidden_layers", "n_layer"},
       {1, kMaxLayers}},
      {&ModelConfig::num_heads,
       {"num_attention_heads", "n_head"},
       {1, kMaxHeads}},
      {&ModelConfig::max_positions,
       {"max_position_embeddings", "n_positions"},
       {1, kMaxPositions}},
  };
  for (const Size& size : sizes) {
    Places places;
    for (const std::string_view key : size.keys) places.push_back({&root, key});
    const auto value = fields.Int(places, size.range);
    REVLM_TRY(fields.status());
    if (!value) {
      return MakeError(ErrorCode::kUnsupported,
                       "{}: \"{}\" is missing: \"{}\" is of a family this "
                       "version does not read, or the file is incomplete",
                       source, size.keys.front(), config.model_type);
    }
    config.*size.field = *value;
  }
  return {};
}

void ReadOptionalSizes(const Json& root, FieldReader& fields,
                       ModelConfig& config) {
  config.num_kv_heads =
      fields.Int({{&root, "num_key_value_heads"}}, {1, config.num_heads});
  config.head_dim = fields.Int({{&root, "head_dim"}}, {1, kMaxHeadDim});
  config.intermediate_size = fields.Int(
      {{&root, "intermediate_size"}, {&root, "n_inner"}}, {1, kMaxWidth});
  if (!config.intermediate_size && config.model_type == "gpt2") {
    config.intermediate_size = 4 * config.hidden_size;
  }
  config.sliding_window =
      fields.Int({{&root, "sliding_window"}}, {1, kMaxPositions});
  config.max_window_layers =
      fields.Int({{&root, "max_window_layers"}}, {0, kMaxWidth});
  if (config.num_kv_heads && config.num_heads % *config.num_kv_heads != 0) {
    fields.Fail(
        "\"num_attention_heads\" is {}, allowed is a multiple of "
        "\"num_key_value_heads\", {}",
        config.num_heads, *config.num_kv_heads);
  }
  if (!config.head_dim && config.hidden_size % config.num_heads != 0) {
    fields.Fail(
        "\"hidden_size\" is {}, allowed without \"head_dim\" is a multiple of "
        "\"num_attention_heads\", {}",
        config.hidden_size, config.num_heads);
  }
}

void ReadFlags(const Json& root, FieldReader& fields, ModelConfig& config) {
  const auto flag = [&](std::string_view key) {
    return fields.Bool({{&root, key}});
  };
  config.tie_word_embeddings = flag("tie_word_embeddings");
  config.attention_bias = flag("attention_bias");
  config.mlp_bias = flag("mlp_bias");
  config.use_parallel_residual = flag("use_parallel_residual");
  config.use_sliding_window = flag("use_sliding_window");
  config.scale_attn_weights = flag("scale_attn_weights");
  config.scale_attn_by_inverse_layer_idx =
      flag("scale_attn_by_inverse_layer_idx");
}

// Special tokens are {"content": TEXT, ...} or TEXT.
std::optional<std::string> ReadTokenText(const Json& root, std::string_view key,
                                         const std::string& source,
                                         FieldReader& fields) {
  const Json* member = base::FindMember(root, key);
  const bool wrapped = member != nullptr && member->is_object();
  auto text = wrapped ? base::GetString(*member, "content", source)
                      : base::GetString(root, key, source);
  if (!text) {
    fields.Set(std::unexpected<Error>(std::move(text).error()));
    return std::nullopt;
  }
  return *text;
}

}  // namespace

Result<ModelConfig> ParseModelConfig(std::string_view text,
                                     const std::string& source) {
  ModelConfig config;
  REVLM_ASSIGN_OR_RETURN(config.raw, ParseObject(text, source));
  const Json& root = config.raw;
  FieldReader fields(source);
  const auto model_type = fields.Name({{&root, "model_type"}});
  if (!model_type) fields.Fail("\"model_type\" is missing");
  REVLM_TRY(fields.status());
  config.model_type = *model_type;
  REVLM_TRY(ReadSizes(root, source, fields, config));
  ReadOptionalSizes(root, fields, config);
  ReadFlags(root, fields, config);
  config.architectures = fields.Names(root, "architectures", 16);
  config.norm_eps = fields.Number({{&root, "rms_norm_eps"},
                                   {&root, "layer_norm_eps"},
                                   {&root, "layer_norm_epsilon"}},
                                  {0, 1});
  config.activation =
      fields.Name({{&root, "hidden_act"}, {&root, "activation_function"}});
  config.rope = ReadRope(root, fields);
  config.layer_types = fields.Names(root, "layer_types", kMaxLayers);
  if (!config.layer_types.empty() &&
      std::cmp_not_equal(config.layer_types.size(), config.num_layers)) {
    fields.Fail("\"layer_types\" has {} entries, allowed is one for each of {}",
                config.layer_types.size(), config.num_layers);
  }
  config.dtype = fields.Name({{&root, "dtype"}, {&root, "torch_dtype"}});
  config.bos_token_id = fields.Int({{&root, "bos_token_id"}}, {0, kMaxTokenId});
  config.eos_token_ids = fields.TokenIds(root, "eos_token_id");
  if (const Json* quantization =
          ObjectMember(root, "quantization_config", fields)) {
    config.quant_method =
        fields.Name({{quantization, "quant_method"}}).value_or("unnamed");
  }
  REVLM_TRY(fields.status());
  return config;
}

Result<GenerationConfig> ParseGenerationConfig(std::string_view text,
                                               const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const Json root, ParseObject(text, source));
  FieldReader fields(source);
  GenerationConfig config;
  config.bos_token_id = fields.Int({{&root, "bos_token_id"}}, {0, kMaxTokenId});
  config.eos_token_ids = fields.TokenIds(root, "eos_token_id");
  REVLM_TRY(fields.status());
  return config;
}

Result<TokenizerConfig> ParseTokenizerConfig(std::string_view text,
                                             const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(const Json root, ParseObject(text, source));
  FieldReader fields(source);
  TokenizerConfig config;
  config.add_bos_token = fields.Bool({{&root, "add_bos_token"}});
  config.add_eos_token = fields.Bool({{&root, "add_eos_token"}});
  config.bos_token = ReadTokenText(root, "bos_token", source, fields);
  config.eos_token = ReadTokenText(root, "eos_token", source, fields);
  REVLM_TRY(fields.status());
  return config;
}

}  // namespace revlm::formats
