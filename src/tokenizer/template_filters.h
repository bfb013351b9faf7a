// The filters, tests and methods that chat templates may use:
//
//   filter  trim, upper, lower, capitalize, length, count, string, default, d,
//           list, first, last, selectattr, rejectattr (both: NAME alone, or
//           NAME "equalto" VALUE)
//   test    defined, undefined, none, string, mapping, iterable, sequence,
//           number, integer, boolean, true, false, odd, even, equalto, eq
//   method  of a string: strip, lstrip, rstrip, startswith, endswith, split (by
//           a separator), upper, lower, capitalize; of a dictionary: get
//
// Each with the arguments that they usually have; upper and lower case of ASCII
// only. Anything else is refused by its name.
//
// Threads: pure functions. Errors: kUnsupported, without the line; those of the
// allowance.
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"
#include "tokenizer/template_value.h"

namespace revlm::tokenizer {

Result<Value> ApplyFilter(std::string_view name, const Value& value,
                          std::span<const Value> arguments,
                          Allowance& allowance);

Result<bool> ApplyTest(std::string_view name, const Value& value,
                       std::span<const Value> arguments, Allowance& allowance);

Result<Value> CallMethod(std::string_view name, const Value& of,
                         std::span<const Value> arguments,
                         Allowance& allowance);

}  // namespace revlm::tokenizer
