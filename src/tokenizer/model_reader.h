// Takes the two large parts of a tokenizer.json, the vocabulary and the merges
// of its model, as they are read, straight into compact lists.
//
// Threads: thread-confined. Errors: kCorrupt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "tokenizer/bpe.h"
#include "tokenizer/vocabulary.h"

namespace revlm::tokenizer {

// {"token": id, ...}. An array, which is how a Unigram model lists its tokens,
// is passed over.
class VocabularySink : public base::JsonSink {
 public:
  Status Open(char bracket) override;
  Status Close() override;
  Status Key(std::string_view name) override;
  Status String(std::string_view value) override;
  Status Integer(int64_t value) override;
  Status Other(std::string_view found) override;

  bool is_array() const { return is_array_; }
  TokenList& list() { return list_; }

 private:
  Status Unexpected(std::string_view found) const;

  TokenList list_;
  bool is_array_ = false;
  int depth_ = 0;
};

// ["a b", ...] or [["a", "b"], ...].
class MergesSink : public base::JsonSink {
 public:
  Status Open(char bracket) override;
  Status Close() override;
  Status Key(std::string_view name) override;
  Status String(std::string_view value) override;
  Status Integer(int64_t value) override;
  Status Other(std::string_view found) override;

  MergeList& list() { return list_; }

 private:
  std::unexpected<Error> Unexpected(std::string_view found) const;
  Status AddPart(std::string_view part);

  MergeList list_;
  int depth_ = 0;
};

}  // namespace revlm::tokenizer
