// The operators of chat templates: what Jinja makes of Python's.
//
// Strings are indexed by characters. A name, item or attribute that is not
// there is undefined; using one that is is an error, as in Jinja, where it
// would not be printed as nothing. What needs Python's objects (methods that
// are not called, items of other kinds) is refused.
//
// Threads: pure functions. Errors: kUnsupported, without the line; those of the
// allowance.
#pragma once

#include <string_view>

#include "base/error.h"
#include "tokenizer/template_value.h"

namespace revlm::tokenizer {

// + - * // %; of / and ** the refusal.
Result<Value> Arithmetic(std::string_view op, const Value& a, const Value& b,
                         Allowance& allowance);
Result<Value> Negate(const Value& value);

// == != < <= > >= in, not in.
Result<bool> Compare(std::string_view op, const Value& a, const Value& b,
                     Allowance& allowance);

// of[index]
Result<Value> Item(const Value& of, const Value& index, Allowance& allowance);
// of.name, of anything but a namespace.
Result<Value> Attribute(const Value& of, std::string_view name);
// of[start:stop:step]; each a number or none.
Result<Value> Slice(const Value& of, const Value& start, const Value& stop,
                    const Value& step, Allowance& allowance);

}  // namespace revlm::tokenizer
