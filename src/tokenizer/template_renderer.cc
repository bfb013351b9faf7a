#include "tokenizer/template_renderer.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "base/quote.h"
#include "tokenizer/template_filters.h"
#include "tokenizer/template_lexer.h"
#include "tokenizer/template_operations.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;
using base::Quote;
using Variables = std::vector<std::pair<std::string, Value>>;

// That others define. Tokens: what is not told of them may be their tokenizer's
// own default.
constexpr std::string_view kNotKnown[] = {"additional_special_tokens",
                                          "bos_token",
                                          "cls_token",
                                          "cycler",
                                          "dict",
                                          "eos_token",
                                          "joiner",
                                          "lipsum",
                                          "mask_token",
                                          "namespace",
                                          "pad_token",
                                          "raise_exception",
                                          "range",
                                          "sep_token",
                                          "strftime_now",
                                          "unk_token"};

const Value* FindIn(const Variables& variables, std::string_view name) {
  const auto found = std::ranges::find_if(
      variables, [name](const auto& member) { return member.first == name; });
  return found == variables.end() ? nullptr : &found->second;
}

void SetIn(Variables& variables, const std::string& name, Value value) {
  const auto found = std::ranges::find_if(
      variables, [&](const auto& member) { return member.first == name; });
  if (found == variables.end()) {
    variables.emplace_back(name, std::move(value));
  } else {
    found->second = std::move(value);
  }
}

// "loop" at one turn.
Value LoopAt(const std::vector<Value>& values, size_t at) {
  const auto index = static_cast<int64_t>(at);
  const auto length = static_cast<int64_t>(values.size());
  const bool is_last = at + 1 == values.size();
  Map loop;
  loop.kind = Map::Kind::kLoop;
  loop.members = {
      {"first", Value(at == 0)},
      {"last", Value(is_last)},
      {"index", Value(index + 1)},
      {"index0", Value(index)},
      {"revindex", Value(length - index)},
      {"revindex0", Value(length - index - 1)},
      {"length", Value(length)},
      {"previtem", at == 0 ? Value(Undefined{"previtem"}) : values[at - 1]},
      {"nextitem", is_last ? Value(Undefined{"nextitem"}) : values[at + 1]}};
  return Value(std::move(loop));
}

// What is set in the template or in a turn of a loop.
struct Scope {
  Variables variables = {};
  // Which of the variables given were read here, and in scopes inside it.
  uint64_t read = 0;
  uint64_t read_inside = 0;
};

class Renderer {
 public:
  Renderer(const Syntax& syntax, const std::string& source, Variables variables,
           Allowance allowance)
      : syntax_(syntax), source_(source), allowance_(allowance) {
    given_ = std::move(variables);
    scopes_.emplace_back();
  }

  Result<MarkedText> Run() {
    REVLM_TRY(RenderBody(syntax_.statements));
    return std::move(text_);
  }

 private:
  using Kind = Expression::Kind;

  Status RenderBody(const std::vector<Statement>& body);
  Status Render(const Statement& statement);
  Status Print(const Statement& statement);
  Status Set(const Statement& statement);
  Status If(const Statement& statement);
  Status For(const Statement& statement);
  // What a loop goes through.
  Result<std::vector<Value>> ValuesOf(const Statement& statement);

  Result<Value> Evaluate(ExpressionIdx idx);
  Result<Value> EvaluateNode(const Expression& node);
  Result<Value> Name(const Expression& node);
  Result<Value> MakeValues(const Expression& node);
  Result<Value> Members(const Expression& node);
  Result<Value> AttributeOf(const Expression& node);
  Result<Value> SliceOf(const Expression& node);
  Result<Value> CompareAll(const Expression& node);
  Result<Value> Concatenate(const Expression& node);
  Result<Value> FirstThatIs(const Expression& node, bool wanted);
  Result<Value> Choose(const Expression& node);
  Result<Value> Filter(const Expression& node);
  Result<Value> Call(const Expression& node);
  Result<Value> CallFunction(const Expression& node, const std::string& name);
  Result<Value> MakeNamespace(const Expression& node,
                              std::span<const Value> arguments);
  // Of the operands from `first`.
  Result<std::vector<Value>> Operands(const Expression& node, size_t first);

  const Expression& NodeAt(ExpressionIdx idx) const {
    return syntax_.expressions[static_cast<size_t>(idx)];
  }
  const Value* FindSet(std::string_view name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (const Value* value = FindIn(scope->variables, name)) return value;
    }
    return nullptr;
  }
  void PopScope() {
    const uint64_t read = scopes_.back().read | scopes_.back().read_inside;
    scopes_.pop_back();
    scopes_.back().read_inside |= read;
  }
  // Of the variable given by this name; 0: there is none.
  uint64_t BitOf(std::string_view name) const {
    uint64_t bit = 1;
    for (const auto& [given, value] : given_) {
      if (given == name) return bit;
      bit <<= 1;
    }
    return 0;
  }
  // Whether inner scopes alone have read what is now set for the first time:
  // Jinja, which looks at the whole scope before, let them read nothing.
  bool IsSetTooLate(std::string_view name) const;
  // Puts the line in front of an error that has none.
  template <typename T>
  Result<T> At(uint32_t line, Result<T> result) const {
    if (result) return result;
    result.error().message = AtLine(source_, line) + result.error().message;
    return result;
  }
  std::unexpected<Error> NotSupported(uint32_t line, std::string_view what,
                                      std::string_view name) const {
    return MakeError(ErrorCode::kUnsupported, "{}{} {} is not supported",
                     AtLine(source_, line), what, Quote(name));
  }

  const Syntax& syntax_;
  const std::string& source_;
  Allowance allowance_;
  MarkedText text_;
  Variables given_;
  std::vector<Scope> scopes_;          // the last is the innermost
  std::vector<Variables> namespaces_;  // by NamespaceIdx
};

// ---- Statements ------------------------------------------------------------

Status Renderer::RenderBody(const std::vector<Statement>& body) {
  for (const Statement& statement : body) REVLM_TRY(Render(statement));
  return {};
}

Status Renderer::Render(const Statement& statement) {
  REVLM_TRY(At(statement.line, allowance_.TakeSteps(16)));
  switch (statement.kind) {
    case Statement::Kind::kText:
      text_.Append(statement.text, Origin::kTemplate);
      return At(statement.line, allowance_.TakeBytes(statement.text.size()));
    case Statement::Kind::kPrint:
      return Print(statement);
    case Statement::Kind::kSet:
      return Set(statement);
    case Statement::Kind::kIf:
      return If(statement);
    case Statement::Kind::kFor:
      return For(statement);
  }
  return {};
}

Status Renderer::Print(const Statement& statement) {
  REVLM_ASSIGN_OR_RETURN(const Value value, Evaluate(statement.value));
  const size_t begin = text_.size();
  REVLM_TRY(At(statement.line, AppendText(value, text_)));
  return At(statement.line, allowance_.TakeBytes(text_.size() - begin));
}

Status Renderer::Set(const Statement& statement) {
  const std::string& name = statement.names.front();
  REVLM_ASSIGN_OR_RETURN(Value value, Evaluate(statement.value));
  REVLM_TRY(At(statement.line, CheckCanBeKept(value)));
  if (statement.names.size() == 1) {
    if (name == "loop" || IsSetTooLate(name)) {
      return NotSupported(
          statement.line,
          name == "loop" ? "setting" : "setting, after a loop that reads it,",
          name);
    }
    SetIn(scopes_.back().variables, name, std::move(value));
    return {};
  }
  const Value* target = FindSet(name);
  if (target == nullptr || target->name_space() == nullptr) {
    return NotSupported(statement.line, "setting an attribute of", name);
  }
  SetIn(namespaces_[target->name_space()->idx], statement.names.back(),
        std::move(value));
  return {};
}

Status Renderer::If(const Statement& statement) {
  for (const Statement::Branch& branch : statement.branches) {
    if (branch.condition == kNoExpression) return RenderBody(branch.body);
    REVLM_ASSIGN_OR_RETURN(const Value condition, Evaluate(branch.condition));
    if (IsTrue(condition)) return RenderBody(branch.body);
  }
  return {};
}

Result<std::vector<Value>> Renderer::ValuesOf(const Statement& statement) {
  REVLM_ASSIGN_OR_RETURN(const Value over, Evaluate(statement.value));
  if (over.undefined() != nullptr) return std::vector<Value>();
  if (over.list() == nullptr) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}a loop over {} is not supported",
                     AtLine(source_, statement.line), Describe(over));
  }
  const std::vector<Value>& all = over.list()->values;
  REVLM_TRY(
      At(statement.line, allowance_.TakeBytes(all.size() * sizeof(Value))));
  if (statement.condition == kNoExpression) return all;
  std::vector<Value> values;
  scopes_.emplace_back();
  for (const Value& value : all) {
    SetIn(scopes_.back().variables, statement.names.front(), value);
    REVLM_ASSIGN_OR_RETURN(const Value condition,
                           Evaluate(statement.condition));
    if (IsTrue(condition)) values.push_back(value);
  }
  PopScope();
  return values;
}

Status Renderer::For(const Statement& statement) {
  if (statement.names.size() > 1 || statement.names.front() == "loop") {
    return NotSupported(statement.line, "a loop with",
                        fmt::format("{}", fmt::join(statement.names, ", ")));
  }
  REVLM_ASSIGN_OR_RETURN(const std::vector<Value> values, ValuesOf(statement));
  for (size_t i = 0; i < values.size(); ++i) {
    REVLM_TRY(At(statement.line, allowance_.TakeSteps(64)));
    scopes_.push_back({.variables = {{statement.names.front(), values[i]},
                                     {"loop", LoopAt(values, i)}}});
    REVLM_TRY(RenderBody(statement.branches.front().body));
    PopScope();
  }
  if (values.empty() && statement.branches.size() > 1) {
    scopes_.emplace_back();
    REVLM_TRY(RenderBody(statement.branches.back().body));
    PopScope();
  }
  return {};
}

// ---- Expressions -----------------------------------------------------------

Result<Value> Renderer::Evaluate(ExpressionIdx idx) {
  const Expression& node = NodeAt(idx);
  REVLM_TRY(At(node.line, allowance_.TakeSteps(16)));
  return EvaluateNode(node);
}

Result<Value> Renderer::EvaluateNode(const Expression& node) {
  switch (node.kind) {
    case Kind::kString:
      REVLM_TRY(At(node.line, allowance_.TakeBytes(node.text.size())));
      return Value(MarkedText(node.text, Origin::kTemplate));
    case Kind::kInteger:
      return Value(node.integer);
    case Kind::kNone:
      return Value(None());
    case Kind::kFalse:
      return Value(false);
    case Kind::kTrue:
      return Value(true);
    case Kind::kName:
      return Name(node);
    case Kind::kList:
    case Kind::kTuple:
      return MakeValues(node);
    case Kind::kDictionary:
      return Members(node);
    case Kind::kAttribute:
      return AttributeOf(node);
    case Kind::kItem: {
      REVLM_ASSIGN_OR_RETURN(const auto operands, Operands(node, 0));
      return At(node.line, Item(operands[0], operands[1], allowance_));
    }
    case Kind::kSlice:
      return SliceOf(node);
    case Kind::kCall:
      return Call(node);
    case Kind::kFilter:
    case Kind::kTest:
      return Filter(node);
    case Kind::kNot: {
      REVLM_ASSIGN_OR_RETURN(const Value value, Evaluate(node.operands[0]));
      return Value(!IsTrue(value));
    }
    case Kind::kNegate: {
      REVLM_ASSIGN_OR_RETURN(const Value value, Evaluate(node.operands[0]));
      return At(node.line, Negate(value));
    }
    case Kind::kArithmetic: {
      REVLM_ASSIGN_OR_RETURN(const auto operands, Operands(node, 0));
      return At(node.line,
                Arithmetic(node.text, operands[0], operands[1], allowance_));
    }
    case Kind::kConcatenate:
      return Concatenate(node);
    case Kind::kCompare:
      return CompareAll(node);
    case Kind::kAnd:
      return FirstThatIs(node, false);
    case Kind::kOr:
      return FirstThatIs(node, true);
    case Kind::kConditional:
      return Choose(node);
  }
  return Value();
}

bool Renderer::IsSetTooLate(std::string_view name) const {
  const uint64_t bit = BitOf(name);
  if (FindSet(name) != nullptr) return false;
  const auto has_read = [bit](const Scope& scope) {
    return (scope.read & bit) != 0;
  };
  return (scopes_.back().read_inside & bit) != 0 &&
         std::ranges::none_of(scopes_, has_read);
}

Result<Value> Renderer::Name(const Expression& node) {
  if (const Value* value = FindSet(node.text)) return *value;
  if (const Value* value = FindIn(given_, node.text)) {
    scopes_.back().read |= BitOf(node.text);
    return *value;
  }
  if (std::ranges::find(kNotKnown, node.text) != std::end(kNotKnown)) {
    if (node.text.ends_with("_token")) {
      return MakeError(ErrorCode::kUnsupported,
                       "{}{} is not known, the tokenizer's configuration does "
                       "not say what it is",
                       AtLine(source_, node.line), Quote(node.text));
    }
    return NotSupported(node.line, "the name", node.text);
  }
  return Value(Undefined{node.text});
}

Result<std::vector<Value>> Renderer::Operands(const Expression& node,
                                              size_t first) {
  std::vector<Value> values;
  for (size_t i = first; i < node.operands.size(); ++i) {
    REVLM_ASSIGN_OR_RETURN(Value value, Evaluate(node.operands[i]));
    values.push_back(std::move(value));
  }
  return values;
}

Result<Value> Renderer::MakeValues(const Expression& node) {
  REVLM_ASSIGN_OR_RETURN(std::vector<Value> values, Operands(node, 0));
  REVLM_TRY(At(node.line, allowance_.TakeBytes(values.size() * sizeof(Value))));
  return At(node.line, MakeList(node.kind == Kind::kList ? List::Kind::kList
                                                         : List::Kind::kTuple,
                                std::move(values)));
}

Result<Value> Renderer::Members(const Expression& node) {
  REVLM_ASSIGN_OR_RETURN(const auto operands, Operands(node, 0));
  Variables members;
  for (size_t i = 0; i < operands.size(); i += 2) {
    if (operands[i].text() == nullptr) {
      return MakeError(ErrorCode::kUnsupported,
                       "{}{} as a key is not supported",
                       AtLine(source_, node.line), Describe(operands[i]));
    }
    const std::string& name = operands[i].text()->text();
    REVLM_TRY(At(node.line,
                 allowance_.TakeBytes(sizeof(members.front()) + name.size())));
    SetIn(members, name, operands[i + 1]);
  }
  return At(node.line, MakeDictionary(std::move(members)));
}

Result<Value> Renderer::AttributeOf(const Expression& node) {
  REVLM_ASSIGN_OR_RETURN(const Value of, Evaluate(node.operands[0]));
  if (const NamespaceIdx* name_space = of.name_space()) {
    const Value* value = FindIn(namespaces_[name_space->idx], node.text);
    return value != nullptr ? *value : Value(Undefined{node.text});
  }
  return At(node.line, Attribute(of, node.text));
}

Result<Value> Renderer::SliceOf(const Expression& node) {
  std::vector<Value> parts;
  for (const ExpressionIdx operand : node.operands) {
    if (operand == kNoExpression) {
      parts.emplace_back(None());
      continue;
    }
    REVLM_ASSIGN_OR_RETURN(Value part, Evaluate(operand));
    parts.push_back(std::move(part));
  }
  return At(node.line,
            Slice(parts[0], parts[1], parts[2], parts[3], allowance_));
}

Result<Value> Renderer::CompareAll(const Expression& node) {
  REVLM_ASSIGN_OR_RETURN(Value left, Evaluate(node.operands[0]));
  for (size_t i = 0; i < node.operators.size(); ++i) {
    REVLM_ASSIGN_OR_RETURN(Value right, Evaluate(node.operands[i + 1]));
    REVLM_ASSIGN_OR_RETURN(
        const bool holds,
        At(node.line, Compare(node.operators[i], left, right, allowance_)));
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Result<Value> Renderer::Concatenate(const Expression& node) {
  REVLM_ASSIGN_OR_RETURN(const auto operands, Operands(node, 0));
  MarkedText text;
  for (const Value& operand : operands) {
    REVLM_TRY(At(node.line, AppendText(operand, text)));
  }
  REVLM_TRY(At(node.line, allowance_.TakeBytes(text.size())));
  return Value(std::move(text));
}

// As Python's "or" and "and": an operand itself, not whether it holds.
Result<Value> Renderer::FirstThatIs(const Expression& node, bool wanted) {
  Value value;
  for (const ExpressionIdx operand : node.operands) {
    REVLM_ASSIGN_OR_RETURN(value, Evaluate(operand));
    if (IsTrue(value) == wanted) break;
  }
  return value;
}

Result<Value> Renderer::Choose(const Expression& node) {
  REVLM_ASSIGN_OR_RETURN(const Value condition, Evaluate(node.operands[1]));
  if (IsTrue(condition)) return Evaluate(node.operands[0]);
  if (node.operands[2] == kNoExpression) {
    return Value(Undefined{"an if without an else"});
  }
  return Evaluate(node.operands[2]);
}

Result<Value> Renderer::Filter(const Expression& node) {
  const bool is_test = node.kind == Kind::kTest;
  if (!node.names.empty()) {
    return NotSupported(node.line, is_test ? "a test with" : "a filter with",
                        node.names.front() + "=");
  }
  REVLM_ASSIGN_OR_RETURN(const auto operands, Operands(node, 0));
  const auto arguments = std::span(operands).subspan(1);
  if (!is_test) {
    return At(node.line,
              ApplyFilter(node.text, operands[0], arguments, allowance_));
  }
  REVLM_ASSIGN_OR_RETURN(
      const bool holds,
      At(node.line, ApplyTest(node.text, operands[0], arguments, allowance_)));
  return Value(holds);
}

// ---- Calls -----------------------------------------------------------------

Result<Value> Renderer::Call(const Expression& node) {
  const Expression& called = NodeAt(node.operands[0]);
  if (called.kind == Kind::kName && FindSet(called.text) == nullptr) {
    return CallFunction(node, called.text);
  }
  if (called.kind != Kind::kAttribute) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}calling what is not a function is not supported",
                     AtLine(source_, node.line));
  }
  if (!node.names.empty()) {
    return NotSupported(node.line, "a method with", node.names.front() + "=");
  }
  REVLM_ASSIGN_OR_RETURN(const Value of, Evaluate(called.operands[0]));
  REVLM_ASSIGN_OR_RETURN(const auto arguments, Operands(node, 1));
  return At(node.line, CallMethod(called.text, of, arguments, allowance_));
}

Result<Value> Renderer::CallFunction(const Expression& node,
                                     const std::string& name) {
  if (name != "namespace" && name != "raise_exception") {
    return NotSupported(node.line, "function", name);
  }
  REVLM_ASSIGN_OR_RETURN(const auto arguments, Operands(node, 1));
  if (name == "namespace") return MakeNamespace(node, arguments);
  MarkedText message;
  for (const Value& argument : arguments) {
    REVLM_TRY(At(node.line, AppendText(argument, message)));
  }
  return MakeError(ErrorCode::kInvalidArgument,
                   "{}the template refuses the conversation: {}",
                   AtLine(source_, node.line), Quote(message.text(), 200));
}

Result<Value> Renderer::MakeNamespace(const Expression& node,
                                      std::span<const Value> arguments) {
  if (arguments.size() != node.names.size()) {
    return NotSupported(node.line, "function", "namespace(VALUE)");
  }
  Variables members;
  for (size_t i = 0; i < arguments.size(); ++i) {
    REVLM_TRY(At(node.line, CheckCanBeKept(arguments[i])));
    SetIn(members, node.names[i], arguments[i]);
  }
  REVLM_TRY(At(node.line, allowance_.TakeBytes((arguments.size() + 1) *
                                               sizeof(Variables::value_type))));
  namespaces_.push_back(std::move(members));
  return Value(NamespaceIdx{namespaces_.size() - 1});
}

}  // namespace

Result<MarkedText> RenderTemplate(
    const Syntax& syntax, const std::string& source,
    std::vector<std::pair<std::string, Value>> variables, Allowance allowance) {
  return Renderer(syntax, source, std::move(variables), allowance).Run();
}

}  // namespace revlm::tokenizer
