// Renders a chat template that was taken apart.
//
// As in Jinja: what a loop sets is gone after its turn, and attributes of a
// namespace stay; what is not set is undefined and printed as nothing.
// Functions are namespace(NAME=...) and raise_exception(TEXT). Names that Jinja
// or Hugging Face define besides (range, strftime_now, ...) are refused when
// they are reached, even by "is defined": what they would be is not guessed. So
// is setting a variable that was given when only loops have read it before: to
// them, in Jinja, it was undefined.
//
// Threads: pure function. Memory: bounded by the Allowance of template_value.h.
// Errors: kUnsupported, with the line, for what is not supported or fails in
// Jinja too; kInvalidArgument, with its text, when the template raises an
// exception.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "tokenizer/marked_text.h"
#include "tokenizer/template_syntax.h"
#include "tokenizer/template_value.h"

namespace revlm::tokenizer {

// `variables` are what the template sees, at most 64. `source` names it in
// errors.
Result<MarkedText> RenderTemplate(
    const Syntax& syntax, const std::string& source,
    std::vector<std::pair<std::string, Value>> variables, Allowance allowance);

}  // namespace revlm::tokenizer
