#include "run/operation.h"

#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "formats/safetensors_writer.h"
#include "run/run_directory.h"

namespace revlm::run {
namespace {

// The model's beginning-of-sequence token, by the text that
// tokenizer_config.json gives, else by the id of the configurations.
std::optional<int32_t> BosToken(const Model& model) {
  const formats::Checkpoint& checkpoint = *model.checkpoint;
  if (const auto& text = checkpoint.tokenizer_config().bos_token) {
    if (const auto id = model.tokenizer->TokenId(*text)) return id;
  }
  auto id = checkpoint.generation_config().bos_token_id;
  if (!id) id = checkpoint.config().bos_token_id;
  if (!id || *id < 0 || *id > INT32_MAX) return std::nullopt;
  return static_cast<int32_t>(*id);
}

Result<std::string> TextOf(const Model& model, int32_t id) {
  return model.tokenizer->Decode(std::span(&id, 1));
}

Result<std::vector<TokenResult>> DescribeTokens(
    const Model& model, const std::vector<engine::TokenScore>& scores) {
  std::vector<TokenResult> tokens;
  tokens.reserve(scores.size());
  for (const engine::TokenScore& score : scores) {
    TokenResult token;
    token.id = score.id;
    token.logprob = score.logprob;
    REVLM_ASSIGN_OR_RETURN(token.text, TextOf(model, score.id));
    token.alternatives.reserve(score.alternatives.size());
    for (const engine::Alternative& other : score.alternatives) {
      REVLM_ASSIGN_OR_RETURN(std::string text, TextOf(model, other.id));
      token.alternatives.push_back(
          {.id = other.id, .text = std::move(text), .logprob = other.logprob});
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::string_view FinishReasonName(engine::FinishReason reason) {
  switch (reason) {
    case engine::FinishReason::kStop:
      return "stop";
    case engine::FinishReason::kLength:
      return "length";
    case engine::FinishReason::kContext:
      return "context";
  }
  return "";
}

Status WriteCapture(const Model& model, const std::string& run_dir,
                    const std::string& name,
                    const std::vector<float>& hidden_states) {
  std::error_code error;
  std::filesystem::create_directory(run_dir + "/" + kCapturesName, error);
  if (error) {
    return base::MakeError(ErrorCode::kUnavailable, "creating {}/{}: {}",
                           run_dir, kCapturesName, error.message());
  }
  const auto num_states = static_cast<uint64_t>(model.engine->num_layers()) + 1;
  const auto width = static_cast<uint64_t>(model.engine->hidden_size());
  REVLM_ASSIGN_OR_RETURN(
      formats::SafetensorsWriter writer,
      formats::SafetensorsWriter::Create(
          run_dir + "/" + name,
          {{.name = "hidden",
            .dtype = formats::DType::kF32,
            .shape = {num_states, hidden_states.size() / (num_states * width),
                      width}}}));
  REVLM_TRY(writer.Append(std::as_bytes(std::span(hidden_states))));
  return writer.Finish();
}

engine::Capture CaptureOf(HiddenStates states) {
  switch (states) {
    case HiddenStates::kNone:
      return engine::Capture::kNone;
    case HiddenStates::kLast:
      return engine::Capture::kLast;
    case HiddenStates::kMean:
      return engine::Capture::kMean;
    case HiddenStates::kAll:
      return engine::Capture::kAll;
  }
  return engine::Capture::kNone;
}

}  // namespace

namespace {

// As the text that it is.
Result<std::vector<int32_t>> EncodeText(const Model& model,
                                        std::string_view text,
                                        bool special_tokens) {
  REVLM_ASSIGN_OR_RETURN(
      std::vector<int32_t> ids,
      model.tokenizer->Encode(text, special_tokens
                                        ? tokenizer::SpecialTokens::kAdd
                                        : tokenizer::SpecialTokens::kOmit));
  if (special_tokens &&
      model.checkpoint->tokenizer_config().add_bos_token.value_or(false)) {
    const std::optional<int32_t> bos = BosToken(model);
    if (bos && (ids.empty() || ids.front() != *bos)) {
      ids.insert(ids.begin(), *bos);
    }
  }
  return ids;
}

Result<std::vector<int32_t>> EncodeMessage(const Model& model,
                                           std::string_view text) {
  REVLM_ASSIGN_OR_RETURN(const tokenizer::MarkedText written,
                         model.chat->Write(text));
  return model.tokenizer->EncodeMarked(written);
}

}  // namespace

Result<std::vector<int32_t>> EncodePrompt(const Model& model,
                                          std::string_view text,
                                          bool special_tokens) {
  REVLM_ASSIGN_OR_RETURN(std::vector<int32_t> ids,
                         model.chat ? EncodeMessage(model, text)
                                    : EncodeText(model, text, special_tokens));
  if (ids.empty()) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "encoding the prompt: found no tokens, at least one "
                           "is needed; give a longer prompt");
  }
  return ids;
}

engine::Request MakeRequest(const RunOptions& options, const std::string& key,
                            int32_t max_new_tokens,
                            std::vector<int32_t> prompt_token_ids) {
  engine::Request request;
  request.prompt = std::move(prompt_token_ids);
  request.max_new_tokens = max_new_tokens;
  request.sampling = {.temperature = options.sampling.temperature,
                      .top_k = options.sampling.top_k,
                      .top_p = options.sampling.top_p};
  if (request.sampling.temperature > 0) {  // else nothing is drawn
    request.sampling.seed = SamplingSeed(options.sampling.seed, key);
  }
  request.num_top_logprobs = options.num_logprobs;
  request.want_prompt_logprobs = options.prompt_logprobs;
  request.capture = CaptureOf(options.capture);
  return request;
}

Status FillResult(const Model& model, const std::string& run_dir,
                  const std::string& capture_file,
                  engine::Completion completion, OperationResult& result) {
  if (completion.error) {
    result.error = std::move(completion.error);
    return {};
  }
  std::vector<int32_t> new_ids;
  new_ids.reserve(completion.tokens.size());
  for (const engine::TokenScore& token : completion.tokens) {
    new_ids.push_back(token.id);
  }
  REVLM_ASSIGN_OR_RETURN(result.text, model.tokenizer->Decode(new_ids));
  REVLM_ASSIGN_OR_RETURN(result.tokens,
                         DescribeTokens(model, completion.tokens));
  REVLM_ASSIGN_OR_RETURN(result.prompt_tokens,
                         DescribeTokens(model, completion.prompt_scores));
  result.finish_reason = FinishReasonName(completion.finish_reason);
  if (completion.hidden_states.empty()) return {};
  result.capture_file = capture_file;
  return WriteCapture(model, run_dir, result.capture_file,
                      completion.hidden_states);
}

}  // namespace revlm::run
