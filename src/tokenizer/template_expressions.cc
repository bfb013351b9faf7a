#include "tokenizer/template_expressions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/quote.h"
#include "tokenizer/template_parser.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;
using LexemeKind = Lexeme::Kind;

// No variable can have these names.
constexpr std::array<std::string_view, 7> kWords = {"and", "else", "if", "in",
                                                    "is",  "not",  "or"};

bool IsWord(std::string_view name) {
  return std::ranges::find(kWords, name) != kWords.end();
}

}  // namespace

// ---- Lexemes ---------------------------------------------------------------

Lexeme LexemeReader::Take() {
  const size_t taken = at_;
  if (at_ + 1 < lexemes_.size()) ++at_;
  return lexemes_[taken];
}

bool LexemeReader::IsNext(std::string_view text) const {
  const Lexeme& next = Next();
  return (next.kind == LexemeKind::kName ||
          next.kind == LexemeKind::kOperator) &&
         next.text == text;
}

bool LexemeReader::Skip(std::string_view text) {
  if (!IsNext(text)) return false;
  ++at_;
  return true;
}

Status LexemeReader::Expect(LexemeKind kind, std::string_view text) {
  if (Next().kind != kind || Next().text != text) return Unexpected(text);
  ++at_;
  return {};
}

Result<std::string> LexemeReader::TakeName() {
  if (Next().kind != LexemeKind::kName || IsWord(Next().text)) {
    return Unexpected("a name");
  }
  return Take().text;
}

std::unexpected<Error> LexemeReader::Unexpected(
    const Lexeme& found, std::string_view allowed) const {
  return MakeError(
      ErrorCode::kCorrupt, "{}found {}, allowed is {}",
      AtLine(source_, found.line),
      found.kind == LexemeKind::kEnd ? found.text : base::Quote(found.text),
      allowed);
}

std::unexpected<Error> LexemeReader::NotSupported(uint32_t line,
                                                  std::string_view kind,
                                                  std::string_view name) const {
  return MakeError(ErrorCode::kUnsupported, "{}{} {} is not supported",
                   AtLine(source_, line), kind, base::Quote(name));
}

Status Nesting::Check() const {
  if (lexemes_.depth_ <= kMaxTemplateDepth) return {};
  return MakeError(ErrorCode::kUnsupported,
                   "{}nested more than {} deep, which is the most supported",
                   AtLine(lexemes_.source_, lexemes_.Next().line),
                   kMaxTemplateDepth);
}

// ---- Nodes -----------------------------------------------------------------

Expression ExpressionParser::Node(Kind kind) const {
  Expression node;
  node.kind = kind;
  node.line = lexemes_.Next().line;
  return node;
}

Result<ExpressionIdx> ExpressionParser::Add(Expression node) {
  for (const ExpressionIdx operand : node.operands) {
    if (operand == kNoExpression) continue;
    node.depth =
        std::max(node.depth, nodes_[static_cast<size_t>(operand)].depth + 1);
  }
  if (node.depth > kMaxTemplateDepth) {
    return lexemes_.NotSupported(
        node.line, "an expression of",
        fmt::format("more than {} nodes in each other", kMaxTemplateDepth));
  }
  nodes_.push_back(std::move(node));
  return static_cast<ExpressionIdx>(nodes_.size() - 1);
}

Result<ExpressionIdx> ExpressionParser::ParseChain(Kind kind,
                                                   std::string_view separator,
                                                   Parse parse) {
  Expression node = Node(kind);
  do {
    REVLM_ASSIGN_OR_RETURN(const ExpressionIdx operand, (this->*parse)());
    node.operands.push_back(operand);
  } while (lexemes_.Skip(separator));
  if (node.operands.size() == 1) return node.operands.front();
  return Add(std::move(node));
}

Result<ExpressionIdx> ExpressionParser::ParseArithmetic(
    std::initializer_list<std::string_view> operators, Parse parse) {
  REVLM_ASSIGN_OR_RETURN(ExpressionIdx left, (this->*parse)());
  while (true) {
    const auto* found = std::ranges::find_if(
        operators,
        [this](std::string_view text) { return lexemes_.IsNext(text); });
    if (found == operators.end()) return left;
    Expression node = Node(Kind::kArithmetic);
    node.text = lexemes_.Take().text;
    REVLM_ASSIGN_OR_RETURN(const ExpressionIdx right, (this->*parse)());
    node.operands = {left, right};
    REVLM_ASSIGN_OR_RETURN(left, Add(std::move(node)));
  }
}

// ---- From the loosest to the tightest --------------------------------------

Status ExpressionParser::ParseList(std::string_view end,
                                   std::vector<ExpressionIdx>& values,
                                   bool& is_tuple) {
  is_tuple = false;
  const auto at_end = [&] {
    const LexemeKind kind = lexemes_.Next().kind;
    return kind == LexemeKind::kClosePrint || kind == LexemeKind::kCloseTag ||
           (!end.empty() && lexemes_.IsNext(end));
  };
  while (!at_end()) {
    REVLM_ASSIGN_OR_RETURN(const ExpressionIdx value, ParseValue());
    values.push_back(value);
    if (!lexemes_.Skip(",")) break;
    is_tuple = true;
  }
  if (end.empty() || lexemes_.Skip(end)) return {};
  return lexemes_.Unexpected(end);
}

Result<ExpressionIdx> ExpressionParser::ParseTuple() {
  Expression node = Node(Kind::kTuple);
  bool is_tuple = false;
  REVLM_TRY(ParseList("", node.operands, is_tuple));
  if (node.operands.empty()) return lexemes_.Unexpected("an expression");
  if (!is_tuple) return node.operands.front();
  return Add(std::move(node));
}

Result<ExpressionIdx> ExpressionParser::ParseValue() {
  const Nesting nesting(lexemes_);
  REVLM_TRY(nesting.Check());
  REVLM_ASSIGN_OR_RETURN(ExpressionIdx value, ParseOr());
  while (lexemes_.IsNext("if")) {
    Expression node = Node(Kind::kConditional);
    lexemes_.Take();
    REVLM_ASSIGN_OR_RETURN(const ExpressionIdx condition, ParseOr());
    node.operands = {value, condition, kNoExpression};
    if (lexemes_.Skip("else")) {
      REVLM_ASSIGN_OR_RETURN(node.operands[2], ParseValue());
    }
    REVLM_ASSIGN_OR_RETURN(value, Add(std::move(node)));
  }
  return value;
}

Result<ExpressionIdx> ExpressionParser::ParseOr() {
  return ParseChain(Kind::kOr, "or", &ExpressionParser::ParseAnd);
}

Result<ExpressionIdx> ExpressionParser::ParseAnd() {
  return ParseChain(Kind::kAnd, "and", &ExpressionParser::ParseNot);
}

Result<ExpressionIdx> ExpressionParser::ParseNot() {
  if (!lexemes_.IsNext("not")) return ParseCompare();
  const Nesting nesting(lexemes_);
  REVLM_TRY(nesting.Check());
  Expression node = Node(Kind::kNot);
  lexemes_.Take();
  REVLM_ASSIGN_OR_RETURN(const ExpressionIdx operand, ParseNot());
  node.operands = {operand};
  return Add(std::move(node));
}

Result<ExpressionIdx> ExpressionParser::ParseCompare() {
  static constexpr std::array<std::string_view, 7> kOperators = {
      "==", "!=", "<", "<=", ">", ">=", "in"};
  Expression node = Node(Kind::kCompare);
  REVLM_ASSIGN_OR_RETURN(const ExpressionIdx first, ParseSum());
  node.operands = {first};
  while (true) {
    const bool is_not_in = lexemes_.IsNext("not") &&
                           lexemes_.AfterNext().text == "in" &&
                           lexemes_.AfterNext().kind == LexemeKind::kName;
    if (is_not_in) lexemes_.Take();
    if (std::ranges::none_of(kOperators, [this](std::string_view text) {
          return lexemes_.IsNext(text);
        })) {
      break;
    }
    node.operators.push_back((is_not_in ? "not " : "") + lexemes_.Take().text);
    REVLM_ASSIGN_OR_RETURN(const ExpressionIdx next, ParseSum());
    node.operands.push_back(next);
  }
  if (node.operators.empty()) return first;
  return Add(std::move(node));
}

Result<ExpressionIdx> ExpressionParser::ParseSum() {
  return ParseArithmetic({"+", "-"}, &ExpressionParser::ParseConcatenation);
}

Result<ExpressionIdx> ExpressionParser::ParseConcatenation() {
  return ParseChain(Kind::kConcatenate, "~", &ExpressionParser::ParseProduct);
}

Result<ExpressionIdx> ExpressionParser::ParseProduct() {
  return ParseArithmetic({"*", "/", "//", "%"}, &ExpressionParser::ParsePower);
}

Result<ExpressionIdx> ExpressionParser::ParsePower() {
  return ParseArithmetic({"**"}, &ExpressionParser::ParseUnary);
}

Result<ExpressionIdx> ExpressionParser::ParseUnary() {
  REVLM_ASSIGN_OR_RETURN(const ExpressionIdx value, ParseNegation());
  return ParseFilters(value);
}

Result<ExpressionIdx> ExpressionParser::ParseNegation() {
  if (!lexemes_.IsNext("-")) {
    REVLM_ASSIGN_OR_RETURN(const ExpressionIdx value, ParsePrimary());
    return ParsePostfixes(value);
  }
  const Nesting nesting(lexemes_);
  REVLM_TRY(nesting.Check());
  Expression node = Node(Kind::kNegate);
  lexemes_.Take();
  REVLM_ASSIGN_OR_RETURN(const ExpressionIdx operand, ParseNegation());
  node.operands = {operand};
  REVLM_ASSIGN_OR_RETURN(const ExpressionIdx value, Add(std::move(node)));
  return ParsePostfixes(value);
}

// ---- Primary expressions ---------------------------------------------------

Result<ExpressionIdx> ExpressionParser::ParsePrimary() {
  Expression node = Node(Kind::kName);
  const Lexeme& next = lexemes_.Next();
  if (next.kind == LexemeKind::kString) return ParseString();
  if (next.kind == LexemeKind::kInteger) {
    node.kind = Kind::kInteger;
    std::from_chars(next.text.data(), next.text.data() + next.text.size(),
                    node.integer);
    lexemes_.Take();
    return Add(std::move(node));
  }
  if (next.kind == LexemeKind::kName && !IsWord(next.text)) {
    node.text = lexemes_.Take().text;
    if (node.text == "none" || node.text == "None") node.kind = Kind::kNone;
    if (node.text == "true" || node.text == "True") node.kind = Kind::kTrue;
    if (node.text == "false" || node.text == "False") node.kind = Kind::kFalse;
    return Add(std::move(node));
  }
  bool is_tuple = false;
  if (lexemes_.Skip("(")) {
    node.kind = Kind::kTuple;
    REVLM_TRY(ParseList(")", node.operands, is_tuple));
    if (node.operands.size() == 1 && !is_tuple) return node.operands.front();
    return Add(std::move(node));
  }
  if (lexemes_.Skip("[")) {
    node.kind = Kind::kList;
    REVLM_TRY(ParseList("]", node.operands, is_tuple));
    return Add(std::move(node));
  }
  if (lexemes_.IsNext("{")) return ParseDictionary();
  return lexemes_.Unexpected("an expression");
}

// Strings that follow each other are one.
Result<ExpressionIdx> ExpressionParser::ParseString() {
  Expression node = Node(Kind::kString);
  while (lexemes_.Next().kind == LexemeKind::kString) {
    node.text += lexemes_.Take().text;
  }
  return Add(std::move(node));
}

Result<ExpressionIdx> ExpressionParser::ParseDictionary() {
  Expression node = Node(Kind::kDictionary);
  lexemes_.Take();
  while (!lexemes_.IsNext("}")) {
    REVLM_ASSIGN_OR_RETURN(const ExpressionIdx key, ParseValue());
    if (!lexemes_.Skip(":")) return lexemes_.Unexpected(":");
    REVLM_ASSIGN_OR_RETURN(const ExpressionIdx value, ParseValue());
    node.operands.insert(node.operands.end(), {key, value});
    if (!lexemes_.Skip(",")) break;
  }
  if (!lexemes_.Skip("}")) return lexemes_.Unexpected("}");
  return Add(std::move(node));
}

// ---- What follows them -----------------------------------------------------

Result<ExpressionIdx> ExpressionParser::ParsePostfixes(ExpressionIdx of) {
  while (true) {
    Expression node = Node(Kind::kAttribute);
    node.operands = {of};
    if (lexemes_.Skip(".")) {
      if (lexemes_.Next().kind != LexemeKind::kName) {
        return lexemes_.Unexpected("the name of an attribute");
      }
      node.text = lexemes_.Take().text;
      REVLM_ASSIGN_OR_RETURN(of, Add(std::move(node)));
    } else if (lexemes_.Skip("[")) {
      REVLM_ASSIGN_OR_RETURN(of, ParseSubscript(of));
    } else if (lexemes_.IsNext("(")) {
      node.kind = Kind::kCall;
      REVLM_TRY(ParseArguments(node));
      REVLM_ASSIGN_OR_RETURN(of, Add(std::move(node)));
    } else {
      return of;
    }
  }
}

// Behind "[".
Result<ExpressionIdx> ExpressionParser::ParseSubscript(ExpressionIdx of) {
  Expression node = Node(Kind::kSlice);
  node.operands = {of, kNoExpression, kNoExpression, kNoExpression};
  size_t part = 1;
  bool is_open = true;
  for (; is_open && part < 4; ++part) {
    if (!lexemes_.IsNext(":") && !lexemes_.IsNext("]")) {
      REVLM_ASSIGN_OR_RETURN(node.operands[part], ParseValue());
    }
    is_open = lexemes_.Skip(":");
  }
  const bool has_colon = part > 2;
  if (!has_colon && node.operands[1] == kNoExpression) {
    return lexemes_.Unexpected("an expression between [ and ]");
  }
  if (is_open || !lexemes_.Skip("]")) return lexemes_.Unexpected("]");
  if (!has_colon) {
    node.kind = Kind::kItem;
    node.operands.resize(2);
  }
  return Add(std::move(node));
}

Status ExpressionParser::ParseArguments(Expression& of) {
  if (!lexemes_.Skip("(")) return lexemes_.Unexpected("(");
  while (!lexemes_.IsNext(")")) {
    const bool is_named = lexemes_.Next().kind == LexemeKind::kName &&
                          lexemes_.AfterNext().kind == LexemeKind::kOperator &&
                          lexemes_.AfterNext().text == "=";
    if (is_named) {
      REVLM_ASSIGN_OR_RETURN(std::string name, lexemes_.TakeName());
      of.names.push_back(std::move(name));
      lexemes_.Take();
    } else if (!of.names.empty()) {
      return lexemes_.Unexpected("an argument with a name, as before");
    }
    REVLM_ASSIGN_OR_RETURN(const ExpressionIdx value, ParseValue());
    of.operands.push_back(value);
    if (!lexemes_.Skip(",")) break;
  }
  if (!lexemes_.Skip(")")) return lexemes_.Unexpected(")");
  return {};
}

Result<ExpressionIdx> ExpressionParser::ParseFilters(ExpressionIdx of) {
  while (true) {
    Expression node = Node(Kind::kFilter);
    node.operands = {of};
    if (lexemes_.Skip("|")) {
      REVLM_ASSIGN_OR_RETURN(node.text, lexemes_.TakeName());
      if (lexemes_.IsNext("(")) REVLM_TRY(ParseArguments(node));
      REVLM_ASSIGN_OR_RETURN(of, Add(std::move(node)));
    } else if (lexemes_.Skip("is")) {
      REVLM_ASSIGN_OR_RETURN(of, ParseTest(of));
    } else {
      return of;
    }
  }
}

// Behind "is".
Result<ExpressionIdx> ExpressionParser::ParseTest(ExpressionIdx of) {
  Expression negation = Node(Kind::kNot);
  const bool is_negated = lexemes_.Skip("not");
  Expression node = Node(Kind::kTest);
  node.operands = {of};
  if (lexemes_.Next().kind != LexemeKind::kName) {
    return lexemes_.Unexpected("the name of a test");
  }
  node.text = lexemes_.Take().text;
  const Lexeme& next = lexemes_.Next();
  const bool has_value =
      next.kind == LexemeKind::kString || next.kind == LexemeKind::kInteger ||
      (next.kind == LexemeKind::kName && !IsWord(next.text)) ||
      lexemes_.IsNext("[") || lexemes_.IsNext("{");
  if (lexemes_.IsNext("(")) {
    REVLM_TRY(ParseArguments(node));
  } else if (has_value) {
    REVLM_ASSIGN_OR_RETURN(const ExpressionIdx primary, ParsePrimary());
    REVLM_ASSIGN_OR_RETURN(const ExpressionIdx value, ParsePostfixes(primary));
    node.operands.push_back(value);
  } else if (next.kind == LexemeKind::kName && next.text != "and" &&
             next.text != "or" && next.text != "else") {
    // Jinja takes it for the name of an argument.
    return lexemes_.Unexpected("what may follow a test");
  }
  REVLM_ASSIGN_OR_RETURN(const ExpressionIdx test, Add(std::move(node)));
  if (!is_negated) return test;
  negation.operands = {test};
  return Add(std::move(negation));
}

}  // namespace revlm::tokenizer
