#include "tokenizer/template_filters.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/quote.h"
#include "tokenizer/template_lexer.h"
#include "tokenizer/template_operations.h"
#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;
using base::Quote;
using Arguments = std::span<const Value>;

std::unexpected<Error> NotSupported(std::string_view kind,
                                    std::string_view name) {
  return MakeError(ErrorCode::kUnsupported, "{} {} is not supported", kind,
                   Quote(name));
}

std::unexpected<Error> NotSupportedOf(std::string_view kind,
                                      std::string_view name, const Value& value,
                                      Arguments arguments) {
  std::string with;
  for (const Value& argument : arguments) {
    with += (with.empty() ? " with " : ", ") + Describe(argument);
  }
  return MakeError(ErrorCode::kUnsupported, "{} {} of {}{} is not supported",
                   kind, Quote(name), Describe(value), with);
}

// ---- Of strings ------------------------------------------------------------

enum class Side { kLeft, kRight, kBoth };

// Without the characters of `set`, or whitespace, at its ends.
MarkedText Strip(const MarkedText& text, Side side,
                 std::optional<std::string_view> set) {
  const auto is_dropped = [&](size_t at, const CodePoint& point) {
    if (!set) return IsPythonSpace(point.value);
    const std::string_view character =
        std::string_view(text.text()).substr(at, point.length);
    for (size_t i = 0; i < set->size(); i += DecodeUtf8(*set, i).length) {
      if (set->substr(i, DecodeUtf8(*set, i).length) == character) return true;
    }
    return false;
  };
  size_t begin = 0;
  size_t end = text.size();
  while (side != Side::kRight && begin < end) {
    const CodePoint point = DecodeUtf8(text.text(), begin);
    if (!is_dropped(begin, point)) break;
    begin += point.length;
  }
  while (side != Side::kLeft && begin < end) {
    const CodePoint point = DecodeUtf8Before(text.text(), end);
    if (!is_dropped(end - point.length, point)) break;
    end -= point.length;
  }
  return text.Slice(begin, end);
}

enum class Case { kUpper, kLower, kCapitalized };

std::optional<Case> CaseOf(std::string_view name) {
  if (name == "upper") return Case::kUpper;
  if (name == "lower") return Case::kLower;
  if (name == "capitalize") return Case::kCapitalized;
  return std::nullopt;
}

// Nothing when a character is not of ASCII.
std::optional<MarkedText> InCase(const MarkedText& text, Case wanted) {
  std::string changed = text.text();
  for (size_t i = 0; i < changed.size(); ++i) {
    char& c = changed[i];
    if (static_cast<unsigned char>(c) >= 0x80) return std::nullopt;
    const bool is_upper =
        wanted == Case::kUpper || (wanted == Case::kCapitalized && i == 0);
    if (is_upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (!is_upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text.WithText(std::move(changed));
}

Result<Value> Split(const MarkedText& text, std::string_view separator,
                    Allowance& allowance) {
  REVLM_TRY(allowance.TakeSteps(text.size() * (separator.size() / 64 + 1)));
  std::vector<Value> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t found = text.text().find(separator, begin);
    const size_t end = std::min(found, text.size());
    REVLM_TRY(
        allowance.TakeBytes(sizeof(Value) + sizeof(MarkedText) + end - begin));
    parts.emplace_back(text.Slice(begin, end));
    begin =
        found == std::string::npos ? text.size() + 1 : end + separator.size();
  }
  return MakeList(List::Kind::kList, std::move(parts));
}

// Nothing when it is not one of a string, or has other arguments.
Result<std::optional<Value>> StringMethod(std::string_view name,
                                          const MarkedText& text,
                                          Arguments arguments,
                                          Allowance& allowance) {
  REVLM_TRY(allowance.TakeSteps(text.size()));
  const MarkedText* argument =
      arguments.size() == 1 ? arguments.front().text() : nullptr;
  const bool is_strip = name == "strip" || name == "lstrip" || name == "rstrip";
  if (is_strip && (arguments.empty() || argument != nullptr)) {
    std::optional<std::string_view> set;
    if (argument != nullptr) {
      set = argument->text();
      REVLM_TRY(allowance.TakeSteps(text.size() * set->size()));
    }
    REVLM_TRY(allowance.TakeBytes(text.size()));
    return Value(Strip(text,
                       name == "strip"    ? Side::kBoth
                       : name == "lstrip" ? Side::kLeft
                                          : Side::kRight,
                       set));
  }
  if (const auto wanted = CaseOf(name); wanted && arguments.empty()) {
    REVLM_TRY(allowance.TakeBytes(text.size()));
    if (auto changed = InCase(text, *wanted)) return Value(*std::move(changed));
    return MakeError(ErrorCode::kUnsupported,
                     "{} of characters beyond ASCII is not supported",
                     Quote(name));
  }
  if (argument == nullptr) return std::nullopt;
  if (name == "startswith") {
    return Value(text.text().starts_with(argument->text()));
  }
  if (name == "endswith") {
    return Value(text.text().ends_with(argument->text()));
  }
  if (name == "split" && argument->size() > 0) {
    return Split(text, argument->text(), allowance);
  }
  return std::nullopt;
}

// ---- Of lists --------------------------------------------------------------

bool IsUsual(const Value& value) {
  return value.list() != nullptr &&
         value.list()->kind != List::Kind::kSelection;
}

// The member `name` of each.
Result<Value> Select(std::string_view name, const List& list,
                     Arguments arguments, Allowance& allowance) {
  const std::string_view member =
      arguments.empty() || arguments[0].text() == nullptr
          ? std::string_view()
          : std::string_view(arguments[0].text()->text());
  const bool is_compared = arguments.size() == 3 &&
                           arguments[1].text() != nullptr &&
                           (arguments[1].text()->text() == "equalto" ||
                            arguments[1].text()->text() == "==" ||
                            arguments[1].text()->text() == "eq");
  const bool is_path = member.empty() ||
                       (member[0] >= '0' && member[0] <= '9') ||
                       member.find('.') != std::string_view::npos;
  if (is_path || (arguments.size() != 1 && !is_compared)) {
    return NotSupportedOf("filter", name,
                          arguments.empty() ? Value() : arguments[0],
                          arguments.subspan(arguments.empty() ? 0 : 1));
  }
  std::vector<Value> selected;
  for (const Value& value : list.values) {
    REVLM_ASSIGN_OR_RETURN(
        const Value found,
        Item(value, Value(MarkedText(member, Origin::kTemplate)), allowance));
    bool holds = IsTrue(found);
    if (is_compared) {
      REVLM_ASSIGN_OR_RETURN(holds, Equal(found, arguments[2], allowance));
    }
    if (holds == (name == "selectattr")) selected.push_back(value);
  }
  REVLM_TRY(allowance.TakeBytes(selected.size() * sizeof(Value)));
  return MakeList(List::Kind::kSelection, std::move(selected));
}

// Nothing when it is not one of a list, or has other arguments.
Result<std::optional<Value>> ListFilter(std::string_view name, const List& list,
                                        Arguments arguments,
                                        Allowance& allowance) {
  if (name == "selectattr" || name == "rejectattr") {
    if (list.kind == List::Kind::kSelection) return std::nullopt;
    return Select(name, list, arguments, allowance);
  }
  if (!arguments.empty()) return std::nullopt;
  if (name == "list") {
    REVLM_TRY(allowance.TakeBytes(list.values.size() * sizeof(Value)));
    return MakeList(List::Kind::kList, list.values);
  }
  if (name == "first" && !list.values.empty()) return list.values.front();
  if (name == "last" && !list.values.empty() &&
      list.kind != List::Kind::kSelection) {
    return list.values.back();
  }
  if (name == "first" || name == "last") {
    return Value(Undefined{"the " + std::string(name) + " of an empty list"});
  }
  return std::nullopt;
}

std::optional<int64_t> Length(const Value& value) {
  if (value.undefined() != nullptr) return 0;
  if (value.text() != nullptr) return NumCharacters(value.text()->text());
  if (IsUsual(value)) return static_cast<int64_t>(value.list()->values.size());
  if (value.map() != nullptr && value.map()->kind == Map::Kind::kDictionary) {
    return static_cast<int64_t>(value.map()->members.size());
  }
  return std::nullopt;
}

// ---- Tests -----------------------------------------------------------------

// Nothing when it is not one without arguments.
std::optional<bool> PlainTest(std::string_view name, const Value& value) {
  const bool is_undefined = value.undefined() != nullptr;
  const bool is_text = value.text() != nullptr;
  const bool is_dictionary =
      value.map() != nullptr && value.map()->kind == Map::Kind::kDictionary;
  const int64_t* integer = value.integer();
  if (name == "defined") return !is_undefined;
  if (name == "undefined") return is_undefined;
  if (name == "none") return value.is_none();
  if (name == "string") return is_text;
  if (name == "mapping") return is_dictionary;
  // Undefined is as an empty list.
  if (name == "sequence") {
    return is_undefined || is_text || is_dictionary || IsUsual(value);
  }
  if (name == "iterable") {
    return is_undefined || is_text || is_dictionary || value.list() != nullptr;
  }
  if (name == "boolean") return value.boolean() != nullptr;
  if (name == "number") return integer != nullptr || value.boolean() != nullptr;
  if (name == "integer") return integer != nullptr;
  if (name == "true") return value.boolean() != nullptr && *value.boolean();
  if (name == "false") return value.boolean() != nullptr && !*value.boolean();
  if (integer != nullptr && name == "odd") return *integer % 2 != 0;
  if (integer != nullptr && name == "even") return *integer % 2 == 0;
  return std::nullopt;
}

}  // namespace

Result<Value> ApplyFilter(std::string_view name, const Value& value,
                          Arguments arguments, Allowance& allowance) {
  if (name == "default" || name == "d") {
    if (arguments.size() != 1) {
      return NotSupportedOf("filter", name, value, arguments);
    }
    return value.undefined() != nullptr ? arguments.front() : value;
  }
  if ((name == "length" || name == "count") && arguments.empty()) {
    if (const MarkedText* text = value.text()) {
      REVLM_TRY(allowance.TakeSteps(text->size()));
    }
    if (const auto length = Length(value)) return Value(*length);
  }
  if (value.list() != nullptr) {
    REVLM_ASSIGN_OR_RETURN(
        const auto filtered,
        ListFilter(name, *value.list(), arguments, allowance));
    if (filtered) return *filtered;
  }
  const bool is_of_text =
      name == "trim" || name == "string" || CaseOf(name).has_value();
  if (is_of_text && arguments.empty()) {
    MarkedText text;
    REVLM_TRY(AppendText(value, text));
    REVLM_TRY(allowance.TakeBytes(text.size()));
    if (name == "string") return Value(std::move(text));
    REVLM_ASSIGN_OR_RETURN(auto filtered,
                           StringMethod(name == "trim" ? "strip" : name, text,
                                        arguments, allowance));
    if (filtered) return *std::move(filtered);
  }
  static constexpr std::string_view kKnown[] = {
      "trim",   "upper", "lower", "capitalize", "length",     "count",
      "string", "list",  "first", "last",       "selectattr", "rejectattr"};
  if (std::ranges::find(kKnown, name) == std::end(kKnown)) {
    return NotSupported("filter", name);
  }
  return NotSupportedOf("filter", name, value, arguments);
}

Result<bool> ApplyTest(std::string_view name, const Value& value,
                       Arguments arguments, Allowance& allowance) {
  if ((name == "equalto" || name == "eq") && arguments.size() == 1) {
    return Equal(value, arguments.front(), allowance);
  }
  const auto holds = PlainTest(name, value);
  if (holds && arguments.empty()) return *holds;
  const bool is_known = name == "equalto" || name == "eq" || name == "odd" ||
                        name == "even" || holds.has_value();
  if (!is_known) return NotSupported("test", name);
  return NotSupportedOf("test", name, value, arguments);
}

Result<Value> CallMethod(std::string_view name, const Value& of,
                         Arguments arguments, Allowance& allowance) {
  if (const MarkedText* text = of.text()) {
    REVLM_ASSIGN_OR_RETURN(const auto result,
                           StringMethod(name, *text, arguments, allowance));
    if (result) return *result;
  }
  const Map* map = of.map();
  if (name == "get" && map != nullptr && map->kind == Map::Kind::kDictionary &&
      (arguments.size() == 1 || arguments.size() == 2) &&
      arguments.front().text() != nullptr) {
    const Value* found = map->Find(arguments.front().text()->text());
    if (found != nullptr) return *found;
    return arguments.size() == 2 ? arguments.back() : Value(None());
  }
  return NotSupportedOf("method", name, of, arguments);
}

}  // namespace revlm::tokenizer
