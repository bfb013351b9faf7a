// The last step of encoding: the special tokens that a model wants before and
// after the text.
//
// Supported: Sequence, TemplateProcessing, RobertaProcessing, BertProcessing
// (the template for one text; pairs are not encoded here), ByteLevel (which
// adds nothing). Any other is refused by name.
//
// Threads: immutable.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace revlm::tokenizer {

class PostProcessor {
 public:
  // True for an id that some token has.
  using HasId = std::function<bool(int64_t)>;

  // `json` is the member "post_processor", or nullptr when null. Errors:
  // kCorrupt for a template that names a special token it does not define, or
  // one whose id no token has.
  static Result<PostProcessor> FromJson(const base::Json* json,
                                        const HasId& has_id,
                                        const std::string& source);

  const std::vector<int32_t>& before() const { return before_; }
  const std::vector<int32_t>& after() const { return after_; }

 private:
  Status Parse(const base::Json& object, std::string_view type,
               const HasId& has_id, const std::string& source);
  Status ParseTemplate(const base::Json& object, const HasId& has_id,
                       const std::string& source);
  Status ParsePair(const base::Json& object, const HasId& has_id,
                   const std::string& source);
  Status Wrap(std::vector<int32_t> before, const std::vector<int32_t>& after,
              const std::string& source);

  std::vector<int32_t> before_;
  std::vector<int32_t> after_;
};

}  // namespace revlm::tokenizer
