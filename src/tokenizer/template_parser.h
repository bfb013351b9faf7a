// The grammar of chat templates that is understood, a subset of Jinja's:
//
//   template  = *(TEXT / "{{" tuple "}}" / if / for / set)
//   if        = {% if or %} template *({% elif or %} template)
//               [{% else %} template] {% endif %}
//   for       = {% for NAME *("," NAME) in or [if value] %} template
//               [{% else %} template] {% endfor %}
//   set       = {% set NAME ["." NAME] = tuple %}
//   tuple     = value *("," value)
//   value     = or [if or [else value]]
//   or        = and *(or and)
//   and       = not *(and not)
//   not       = not not / compare
//   compare   = sum *(relation sum)
//   relation  = "==" / "!=" / "<" / "<=" / ">" / ">=" / in / not in
//   sum       = concat *(("+" / "-") concat)
//   concat    = product *("~" product)
//   product   = power *(("*" / "/" / "//" / "%") power)
//   power     = unary *("**" unary)
//   unary     = negation *filter
//   negation  = ("-" negation / primary) *postfix
//   postfix   = "." NAME / "[" value "]" / "[" slice "]" / call
//   filter    = "|" NAME [call] / is [not] NAME [call / primary *postfix]
//   slice     = [value] ":" [value] [":" [value]]
//   call      = "(" [argument *("," argument)] ")"
//   argument  = [NAME "="] value
//   primary   = NAME / 1*STRING / INTEGER / "(" [tuple] ")" / "[" [tuple] "]"
//               / "{" [member *("," member)] "}"
//   member    = value ":" value
//
// Filters, tests, functions and methods are looked up when they are reached, as
// templates have branches for tools that a plain conversation never takes. Any
// other tag is refused by its name here.
//
// Threads: pure function. Memory: about 1 KiB for each byte of the template, at
// most. Errors: kCorrupt and kUnsupported as template_lexer.h; kUnsupported for
// what is nested more than kMaxTemplateDepth deep.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "tokenizer/template_syntax.h"

namespace revlm::tokenizer {

// Of tags in tags, and of an expression in nodes.
inline constexpr int32_t kMaxTemplateDepth = 64;

Result<Syntax> ParseTemplate(std::string_view text, const std::string& source);

}  // namespace revlm::tokenizer
