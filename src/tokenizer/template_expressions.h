// Reads the expressions of a chat template; the grammar is in
// template_parser.h.
//
// Threads: thread-confined. Lifetime: the parser borrows the reader and the
// list that it adds nodes to. Errors: as template_parser.h.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tokenizer/template_lexer.h"
#include "tokenizer/template_syntax.h"

namespace revlm::tokenizer {

// The lexemes of a template one after the other.
class LexemeReader {
 public:
  LexemeReader(std::vector<Lexeme> lexemes, const std::string& source)
      : lexemes_(std::move(lexemes)), source_(source) {}

  const Lexeme& Next() const { return lexemes_[at_]; }
  // The one after it; the last of all when there is none.
  const Lexeme& AfterNext() const {
    return lexemes_[at_ + 1 < lexemes_.size() ? at_ + 1 : at_];
  }
  // The end is never passed.
  Lexeme Take();
  // Whether the next is this operator or word.
  bool IsNext(std::string_view text) const;
  bool Skip(std::string_view text);
  Status Expect(Lexeme::Kind kind, std::string_view text);
  // A name that is not a word of the language.
  Result<std::string> TakeName();

  // "found FOUND, allowed is ALLOWED".
  std::unexpected<Error> Unexpected(const Lexeme& found,
                                    std::string_view allowed) const;
  std::unexpected<Error> Unexpected(std::string_view allowed) const {
    return Unexpected(Next(), allowed);
  }
  // "KIND "NAME" is not supported".
  std::unexpected<Error> NotSupported(uint32_t line, std::string_view kind,
                                      std::string_view name) const;

 private:
  friend class Nesting;

  std::vector<Lexeme> lexemes_;
  const std::string& source_;
  size_t at_ = 0;
  int32_t depth_ = 0;
};

// One level of recursion of the parser.
class Nesting {
 public:
  explicit Nesting(LexemeReader& lexemes) : lexemes_(lexemes) {
    ++lexemes_.depth_;
  }
  ~Nesting() { --lexemes_.depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  // Whether it is one too many.
  Status Check() const;

 private:
  LexemeReader& lexemes_;
};

class ExpressionParser {
 public:
  ExpressionParser(LexemeReader& lexemes, std::vector<Expression>& nodes)
      : lexemes_(lexemes), nodes_(nodes) {}

  Result<ExpressionIdx> ParseTuple();
  Result<ExpressionIdx> ParseValue();
  Result<ExpressionIdx> ParseOr();

 private:
  using Kind = Expression::Kind;
  using Parse = Result<ExpressionIdx> (ExpressionParser::*)();

  Result<ExpressionIdx> ParseAnd();
  Result<ExpressionIdx> ParseNot();
  Result<ExpressionIdx> ParseCompare();
  Result<ExpressionIdx> ParseSum();
  Result<ExpressionIdx> ParseConcatenation();
  Result<ExpressionIdx> ParseProduct();
  Result<ExpressionIdx> ParsePower();
  Result<ExpressionIdx> ParseUnary();
  Result<ExpressionIdx> ParseNegation();
  Result<ExpressionIdx> ParsePrimary();
  Result<ExpressionIdx> ParseString();
  Result<ExpressionIdx> ParseDictionary();
  Result<ExpressionIdx> ParsePostfixes(ExpressionIdx of);
  Result<ExpressionIdx> ParseSubscript(ExpressionIdx of);
  Result<ExpressionIdx> ParseFilters(ExpressionIdx of);
  Result<ExpressionIdx> ParseTest(ExpressionIdx of);
  Status ParseArguments(Expression& of);
  // Operands by `parse` with `separator` between them: one, or a node of
  // `kind`.
  Result<ExpressionIdx> ParseChain(Kind kind, std::string_view separator,
                                   Parse parse);
  // Operands by `parse`, combined from left to right.
  Result<ExpressionIdx> ParseArithmetic(
      std::initializer_list<std::string_view> operators, Parse parse);
  // Values up to `end`, with commas between them.
  Status ParseList(std::string_view end, std::vector<ExpressionIdx>& values,
                   bool& is_tuple);

  Expression Node(Kind kind) const;
  Result<ExpressionIdx> Add(Expression node);

  LexemeReader& lexemes_;
  std::vector<Expression>& nodes_;
};

}  // namespace revlm::tokenizer
