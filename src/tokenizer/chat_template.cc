#include "tokenizer/chat_template.h"

#include <utility>

#include "base/heap_size.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "tokenizer/template_parser.h"
#include "tokenizer/template_renderer.h"
#include "tokenizer/template_value.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;

// What a message takes besides its content.
constexpr uint64_t kMessageBytes = 256;

Result<Value> MessageValue(const ChatMessage& message) {
  if (!base::IsValidUtf8(message.role) || !base::IsValidUtf8(message.content)) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "rendering a message of {}: found bytes that are not UTF-8",
        base::Quote(message.role));
  }
  return MakeDictionary(
      {{"role", Value(MarkedText(message.role, Origin::kTemplate))},
       {"content", Value(MarkedText(message.content, Origin::kContent))}});
}

uint64_t HeapBytesOf(const std::vector<std::string>& texts) {
  uint64_t bytes = base::HeapBytes(texts);
  for (const std::string& text : texts) bytes += base::HeapBytes(text);
  return bytes;
}

// Recursion is bounded by kMaxTemplateDepth.
uint64_t HeapBytesOf(const std::vector<Statement>& statements) {
  uint64_t bytes = base::HeapBytes(statements);
  for (const Statement& statement : statements) {
    bytes += base::HeapBytes(statement.text) + HeapBytesOf(statement.names) +
             base::HeapBytes(statement.branches);
    for (const Statement::Branch& branch : statement.branches) {
      bytes += HeapBytesOf(branch.body);
    }
  }
  return bytes;
}

}  // namespace

Result<ChatTemplate> ChatTemplate::Parse(std::string_view text,
                                         const std::string& source) {
  const std::string name = source + ": chat template";
  if (text.size() > kMaxTemplateBytes) {
    return MakeError(ErrorCode::kUnsupported, "{}: {} bytes, supported are {}",
                     name, text.size(), kMaxTemplateBytes);
  }
  if (!base::IsValidUtf8(text)) {
    return MakeError(ErrorCode::kCorrupt, "{}: found bytes that are not UTF-8",
                     name);
  }
  REVLM_ASSIGN_OR_RETURN(Syntax syntax, ParseTemplate(text, name));
  return ChatTemplate(std::move(syntax), name);
}

Result<MarkedText> ChatTemplate::Render(
    const Conversation& conversation) const {
  uint64_t num_bytes = 0;
  std::vector<Value> messages;
  for (const ChatMessage& message : conversation.messages) {
    num_bytes += message.role.size() + message.content.size() + kMessageBytes;
    REVLM_ASSIGN_OR_RETURN(Value value, MessageValue(message));
    messages.push_back(std::move(value));
  }
  std::vector<std::pair<std::string, Value>> variables;
  REVLM_ASSIGN_OR_RETURN(variables.emplace_back("messages", Value()).second,
                         MakeList(List::Kind::kList, std::move(messages)));
  variables.emplace_back("tools", Value(None()));
  variables.emplace_back("documents", Value(None()));
  variables.emplace_back(
      "add_generation_prompt",
      Value(conversation.generation_prompt == GenerationPrompt::kAdd));
  for (const NamedToken& token : conversation.tokens) {
    num_bytes += token.text ? token.text->size() : 0;
    variables.emplace_back(
        token.name, token.text
                        ? Value(MarkedText(*token.text, Origin::kTemplate))
                        : Value(Undefined{token.name}));
  }
  return RenderTemplate(syntax_, source_, std::move(variables),
                        Allowance(num_bytes));
}

uint64_t ChatTemplate::heap_bytes() const {
  uint64_t bytes = base::HeapBytes(source_) + HeapBytesOf(syntax_.statements) +
                   base::HeapBytes(syntax_.expressions);
  for (const Expression& node : syntax_.expressions) {
    bytes += base::HeapBytes(node.text) + base::HeapBytes(node.operands) +
             HeapBytesOf(node.names) + HeapBytesOf(node.operators);
  }
  return bytes;
}

}  // namespace revlm::tokenizer
