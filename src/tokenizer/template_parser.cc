#include "tokenizer/template_parser.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/quote.h"
#include "tokenizer/template_expressions.h"
#include "tokenizer/template_lexer.h"

namespace revlm::tokenizer {
namespace {

using LexemeKind = Lexeme::Kind;

class Parser {
 public:
  Parser(std::vector<Lexeme> lexemes, const std::string& source)
      : lexemes_(std::move(lexemes), source),
        expressions_(lexemes_, syntax_.expressions) {}

  Result<Syntax> Run() {
    REVLM_ASSIGN_OR_RETURN(syntax_.statements, ParseBody({}));
    return std::move(syntax_);
  }

 private:
  using Body = std::vector<Statement>;

  // Statements up to the tag of one of these names, whose name is then the next
  // lexeme; without names, up to the end of the template.
  Result<Body> ParseBody(std::span<const std::string_view> ends);
  Result<Statement> ParseTag(uint32_t line);
  Status ParseIf(Statement& statement);
  Status ParseFor(Statement& statement);
  Status ParseSet(Statement& statement);
  Result<Statement::Branch> ParseBranch(std::span<const std::string_view> ends);
  Status CloseTag() { return lexemes_.Expect(LexemeKind::kCloseTag, "%}"); }

  Syntax syntax_;
  LexemeReader lexemes_;
  ExpressionParser expressions_;
};

constexpr std::array<std::string_view, 3> kIfEnds = {"elif", "else", "endif"};
constexpr std::array<std::string_view, 2> kForEnds = {"else", "endfor"};

Result<Parser::Body> Parser::ParseBody(std::span<const std::string_view> ends) {
  const Nesting nesting(lexemes_);
  REVLM_TRY(nesting.Check());
  Body body;
  while (true) {
    const Lexeme lexeme = lexemes_.Take();
    switch (lexeme.kind) {
      case LexemeKind::kText: {
        Statement& text = body.emplace_back();
        text.line = lexeme.line;
        text.text = lexeme.text;
        break;
      }
      case LexemeKind::kOpenPrint: {
        Statement& print = body.emplace_back();
        print.kind = Statement::Kind::kPrint;
        print.line = lexeme.line;
        REVLM_ASSIGN_OR_RETURN(print.value, expressions_.ParseTuple());
        REVLM_TRY(lexemes_.Expect(LexemeKind::kClosePrint, "}}"));
        break;
      }
      case LexemeKind::kOpenTag: {
        const Lexeme& name = lexemes_.Next();
        if (name.kind == LexemeKind::kName &&
            std::ranges::find(ends, name.text) != ends.end()) {
          return body;
        }
        REVLM_ASSIGN_OR_RETURN(Statement statement, ParseTag(lexeme.line));
        body.push_back(std::move(statement));
        break;
      }
      default:
        if (ends.empty()) return body;
        return lexemes_.Unexpected(lexeme,
                                   fmt::format("{{% {} %}}", ends.back()));
    }
  }
}

Result<Statement> Parser::ParseTag(uint32_t line) {
  Statement statement;
  statement.line = line;
  const Lexeme name = lexemes_.Take();
  if (name.kind != LexemeKind::kName) {
    return lexemes_.Unexpected(name, "the name of a tag");
  }
  if (name.text == "if") {
    REVLM_TRY(ParseIf(statement));
  } else if (name.text == "for") {
    REVLM_TRY(ParseFor(statement));
  } else if (name.text == "set") {
    REVLM_TRY(ParseSet(statement));
  } else {
    constexpr std::array<std::string_view, 5> kOfOthers = {
        "elif", "else", "endif", "endfor", "endset"};
    if (std::ranges::find(kOfOthers, name.text) != kOfOthers.end()) {
      return lexemes_.Unexpected(name, "a tag that may be here");
    }
    return lexemes_.NotSupported(name.line, "tag", name.text);
  }
  return statement;
}

Result<Statement::Branch> Parser::ParseBranch(
    std::span<const std::string_view> ends) {
  Statement::Branch branch;
  REVLM_TRY(CloseTag());
  REVLM_ASSIGN_OR_RETURN(branch.body, ParseBody(ends));
  return branch;
}

Status Parser::ParseIf(Statement& statement) {
  statement.kind = Statement::Kind::kIf;
  bool has_condition = true;
  while (true) {
    ExpressionIdx condition = kNoExpression;
    if (has_condition) {
      REVLM_ASSIGN_OR_RETURN(condition, expressions_.ParseOr());
    }
    // After {% else %} only the end may come.
    REVLM_ASSIGN_OR_RETURN(
        Statement::Branch branch,
        ParseBranch(std::span(kIfEnds).subspan(has_condition ? 0 : 2)));
    branch.condition = condition;
    statement.branches.push_back(std::move(branch));
    const Lexeme end = lexemes_.Take();
    if (end.text == "endif") return CloseTag();
    has_condition = end.text == "elif";
  }
}

Status Parser::ParseFor(Statement& statement) {
  statement.kind = Statement::Kind::kFor;
  do {
    REVLM_ASSIGN_OR_RETURN(std::string name, lexemes_.TakeName());
    statement.names.push_back(std::move(name));
  } while (lexemes_.Skip(","));
  if (!lexemes_.Skip("in")) return lexemes_.Unexpected("in");
  REVLM_ASSIGN_OR_RETURN(statement.value, expressions_.ParseOr());
  if (lexemes_.Skip("if")) {
    REVLM_ASSIGN_OR_RETURN(statement.condition, expressions_.ParseValue());
  }
  if (lexemes_.Next().text == "recursive") {
    return lexemes_.NotSupported(lexemes_.Next().line, "for with", "recursive");
  }
  REVLM_ASSIGN_OR_RETURN(Statement::Branch each, ParseBranch(kForEnds));
  statement.branches.push_back(std::move(each));
  if (lexemes_.Take().text == "else") {
    REVLM_ASSIGN_OR_RETURN(Statement::Branch otherwise,
                           ParseBranch(std::span(kForEnds).last(1)));
    statement.branches.push_back(std::move(otherwise));
    lexemes_.Take();
  }
  return CloseTag();
}

Status Parser::ParseSet(Statement& statement) {
  statement.kind = Statement::Kind::kSet;
  do {
    REVLM_ASSIGN_OR_RETURN(std::string name, lexemes_.TakeName());
    statement.names.push_back(std::move(name));
  } while (statement.names.size() < 2 && lexemes_.Skip("."));
  if (!lexemes_.Skip("=")) {
    const Lexeme& next = lexemes_.Next();
    if (next.kind == LexemeKind::kCloseTag || next.text == "," ||
        next.text == "|") {
      return lexemes_.NotSupported(
          next.line, "set", next.text == "," ? "with two names" : "as a block");
    }
    return lexemes_.Unexpected("=");
  }
  REVLM_ASSIGN_OR_RETURN(statement.value, expressions_.ParseTuple());
  return CloseTag();
}

}  // namespace

Result<Syntax> ParseTemplate(std::string_view text, const std::string& source) {
  REVLM_ASSIGN_OR_RETURN(std::vector<Lexeme> lexemes,
                         CutTemplate(text, source));
  return Parser(std::move(lexemes), source).Run();
}

}  // namespace revlm::tokenizer
