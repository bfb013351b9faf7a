// A chat template taken apart (template_parser.h says from what).
//
// Threads: values. Memory: about 200 bytes for each node.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace revlm::tokenizer {

// Where an expression lies in Syntax::expressions.
using ExpressionIdx = int32_t;
inline constexpr ExpressionIdx kNoExpression = -1;

struct Expression {
  enum class Kind {
    kString,   // text
    kInteger,  // integer
    kNone,
    kFalse,
    kTrue,
    kName,         // text
    kList,         // operands
    kTuple,        // operands
    kDictionary,   // operands: key, value, key, value
    kAttribute,    // operands[0] . text
    kItem,         // operands[0] [ operands[1] ]
    kSlice,        // operands[0] [ 1 : 2 : 3 ], any of which may be none
    kCall,         // operands[0] (the others), arguments
    kFilter,       // operands[0] | text (the others)
    kTest,         // operands[0] is text (the others)
    kNot,          // operands[0]
    kNegate,       // operands[0]
    kArithmetic,   // operands[0] text operands[1]: + - * / // % **
    kConcatenate,  // all operands: ~
    kCompare,      // operands, and between them operators: a < b <= c
    kAnd,          // all operands
    kOr,           // all operands
    kConditional,  // operands[0] if operands[1] else operands[2] or none
  };
  Kind kind = Kind::kNone;
  uint32_t line = 0;
  int32_t depth = 1;  // of the expression, in nodes
  int64_t integer = 0;
  std::string text;
  std::vector<ExpressionIdx> operands;
  // Of the last operands of a call, a filter or a test, those given by name.
  std::vector<std::string> names;
  std::vector<std::string> operators;
};

struct Statement {
  enum class Kind {
    kText,   // text
    kPrint,  // value
    kSet,    // names[0], or names[0] . names[1], = value
    kIf,     // branches: the first whose condition holds, or has none
    kFor,  // names in value, of these where `condition` holds; branches[0] for
           // each, branches[1], where there is one, when there are none
  };
  struct Branch {
    ExpressionIdx condition = kNoExpression;
    std::vector<Statement> body;
  };
  Kind kind = Kind::kText;
  uint32_t line = 0;
  std::string text;
  std::vector<std::string> names;
  ExpressionIdx value = kNoExpression;
  ExpressionIdx condition = kNoExpression;
  std::vector<Branch> branches;
};

struct Syntax {
  std::vector<Expression> expressions;
  std::vector<Statement> statements;
};

}  // namespace revlm::tokenizer
