// Text to token ids and back, as the Hugging Face `tokenizers` library does it
// for the tokenizer.json of a byte pair encoding model.
//
//   auto tokenizer = Tokenizer::FromJson(text, "tokenizer.json");
//   auto ids = tokenizer->Encode("Hello", SpecialTokens::kAdd);
//
// What a file may hold is said in the headers of its parts (normalizer.h,
// pre_tokenizer.h, bpe.h, post_processor.h, decoder.h, added_tokens.h); what is
// not supported is refused by its name, never passed over. Two things are
// passed over on purpose: "truncation" and "padding", because a prompt is never
// cut or filled up here.
//
// Threads: immutable; any number of threads may use one, or copies, which share
// everything. Memory: for the 128,000 tokens of Llama 3, about 10 MiB, and
// while reading the file about 20 MiB besides its text; while encoding, about
// 40 times the text when nothing splits it. Cost of encoding: O(n log n).
// Errors: kUnsupported, kCorrupt (a merge is named by its index in "merges",
// counted from 0), kInvalidArgument. Determinism: the ids depend on the file
// and the text only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tokenizer/marked_text.h"

namespace revlm::tokenizer {

// Whether what the model wants around a text (such as <s> before it) is added.
// Special tokens written in the text are recognised in either case.
enum class SpecialTokens { kAdd, kOmit };

inline constexpr size_t kMaxFileBytes = size_t{128} << 20;
inline constexpr size_t kMaxTextBytes = size_t{16} << 20;

class Tokenizer {
 public:
  // Reads the content of a tokenizer.json; `source` names it in errors.
  static Result<Tokenizer> FromJson(std::string_view text,
                                    const std::string& source);

  // The ids of `text`, of at most kMaxTextBytes. Bytes that are not UTF-8 are
  // taken for U+FFFD (one for each maximal ill-formed sequence). Errors:
  // kInvalidArgument for a longer text; kUnsupported when a pattern of the file
  // needs more steps than allowed for this text, or normalization makes it more
  // than 32 times as long; kCorrupt when the unknown token is needed and is not
  // in the vocabulary.
  Result<std::vector<int32_t>> Encode(std::string_view text,
                                      SpecialTokens special_tokens) const;

  // The ids of a conversation that a chat template rendered
  // (tokenizer/chat_template.h): nothing is added to it, and what somebody
  // wrote is text. Tokens of the file are recognised where the template wrote
  // them; in content, and across its borders, only those of whitespace are.
  // Text without such look-alikes has the ids that the reference gives it.
  // Errors: as above; kInvalidArgument for text that is not UTF-8; kUnsupported
  // when content would become a special token nevertheless, or it cannot be
  // told whether it does because the file has tokens searched for in normalized
  // text.
  Result<std::vector<int32_t>> EncodeMarked(const MarkedText& text) const;

  // The text of `ids`, valid UTF-8 (U+FFFD where bytes make no character).
  // Special tokens are kept; ids that no token has are skipped. Errors:
  // kUnsupported as the header of the decoder says.
  Result<std::string> Decode(std::span<const int32_t> ids) const;

  // A token by its text in the vocabulary ("Ġthe", "▁the", "<0x0A>", "<s>").
  std::optional<int32_t> TokenId(std::string_view token) const;
  std::optional<std::string> TokenText(int32_t id) const;

  // The bytes that a token adds to a text behind other tokens, which need not
  // be whole characters: none for a special token. Nothing for an id that no
  // token has, and where the bytes depend on its neighbours.
  std::optional<std::string> TokenBytes(int32_t id) const;

  // Whether the files of both say the same of what decides ids and text: tokens
  // and their ids, merges in order, and every other part, member by member. How
  // a file is laid out, and members that are null, make no difference.
  bool IsSame(const Tokenizer& other) const;

  // One more than the largest id.
  int32_t num_ids() const;
  // What it keeps of the heap, at most; the same for the same file.
  uint64_t heap_bytes() const;
  // For people: "BPE, byte-level, 2048 tokens".
  std::string Description() const;

 private:
  struct State;
  explicit Tokenizer(std::shared_ptr<const State> state)
      : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;  // shared by copies
};

}  // namespace revlm::tokenizer
