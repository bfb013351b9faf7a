#include "tokenizer/template_operations.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/quote.h"
#include "tokenizer/utf8.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;
using base::Quote;

std::unexpected<Error> CannotDo(std::string_view what, const Value& a,
                                const Value& b) {
  return MakeError(ErrorCode::kUnsupported, "{} of {} and {} is not supported",
                   Quote(what), Describe(a), Describe(b));
}

// Rounded down, as Python does.
int64_t FloorDivide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

Result<Value> IntegerArithmetic(std::string_view op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool is_beyond = false;
  if (op == "+") {
    is_beyond = __builtin_add_overflow(a, b, &result);
  } else if (op == "-") {
    is_beyond = __builtin_sub_overflow(a, b, &result);
  } else if (op == "*") {
    is_beyond = __builtin_mul_overflow(a, b, &result);
  } else if (b == 0) {
    return MakeError(ErrorCode::kUnsupported, "dividing by zero");
  } else if (a == INT64_MIN && b == -1) {
    is_beyond = true;
  } else {
    result = FloorDivide(a, b);
    if (op == "%") result = a - result * b;
  }
  if (is_beyond) {
    return MakeError(ErrorCode::kUnsupported,
                     "numbers of more than 64 bits are not supported");
  }
  return Value(result);
}

template <typename T>
std::optional<bool> Ordered(std::string_view op, const T& a, const T& b) {
  if (op == "<") return a < b;
  if (op == "<=") return a <= b;
  if (op == ">") return a > b;
  if (op == ">=") return a >= b;
  return std::nullopt;
}

Result<bool> IsIn(const Value& a, const Value& b, Allowance& allowance) {
  if (b.undefined() != nullptr) return false;
  if (const List* list = b.list();
      list != nullptr && list->kind != List::Kind::kSelection) {
    for (const Value& value : list->values) {
      REVLM_ASSIGN_OR_RETURN(const bool is_equal, Equal(value, a, allowance));
      if (is_equal) return true;
    }
    return false;
  }
  if (const MarkedText* text = a.text()) {
    if (const MarkedText* in = b.text()) {
      // Each place of one may be compared with all of the other.
      REVLM_TRY(allowance.TakeSteps(
          in->size() * std::min(text->size() / 64 + 1, in->size() + 1)));
      return in->text().find(text->text()) != std::string::npos;
    }
    if (const Map* map = b.map();
        map != nullptr && map->kind == Map::Kind::kDictionary) {
      return map->Find(text->text()) != nullptr;
    }
  }
  return CannotDo("in", a, b);
}

// Where the characters of `text` begin, and its end.
std::vector<uint32_t> Boundaries(std::string_view text) {
  std::vector<uint32_t> boundaries;
  for (size_t at = 0; at < text.size(); at += DecodeUtf8(text, at).length) {
    boundaries.push_back(static_cast<uint32_t>(at));
  }
  boundaries.push_back(static_cast<uint32_t>(text.size()));
  return boundaries;
}

Result<std::vector<uint32_t>> BoundariesOf(const MarkedText& text,
                                           Allowance& allowance) {
  REVLM_TRY(allowance.TakeSteps(text.size()));
  REVLM_TRY(allowance.TakeBytes(text.size() * sizeof(uint32_t)));
  return Boundaries(text.text());
}

// The index that Python takes `index` for, from the end when negative.
std::optional<size_t> IndexIn(size_t size, int64_t index) {
  if (index < 0) index += static_cast<int64_t>(size);
  if (index < 0 || std::cmp_greater_equal(index, size)) return std::nullopt;
  return static_cast<size_t>(index);
}

Undefined NoItem(const Value& of, const Value& index) {
  if (const MarkedText* name = index.text()) return {name->text()};
  return {fmt::format("item {} of {}",
                      index.integer() != nullptr ? *index.integer() : 0,
                      Describe(of))};
}

// The indices of [start:stop:step] in a sequence of `size`.
Result<std::vector<size_t>> SliceIndices(size_t size, const Value& start,
                                         const Value& stop, const Value& step,
                                         Allowance& allowance) {
  for (const Value* part : {&start, &stop, &step}) {
    if (part->integer() == nullptr && !part->is_none()) {
      return MakeError(ErrorCode::kUnsupported,
                       "slicing by {} is not supported", Describe(*part));
    }
  }
  const auto count = static_cast<int64_t>(size);
  const int64_t by = step.integer() != nullptr ? *step.integer() : 1;
  if (by == 0) {
    return MakeError(ErrorCode::kUnsupported, "slicing with step 0");
  }
  // Before the first and behind the last that may be taken.
  const int64_t least = by > 0 ? 0 : -1;
  const int64_t most = by > 0 ? count : count - 1;
  const auto place = [&](const Value& part, int64_t otherwise) {
    if (part.integer() == nullptr) return otherwise;
    const int64_t given = std::clamp(*part.integer(), -count - 1, count);
    return std::clamp(given < 0 ? given + count : given, least, most);
  };
  const int64_t begin = place(start, by > 0 ? least : most);
  const int64_t end = place(stop, by > 0 ? most : least);
  std::vector<size_t> indices;
  REVLM_TRY(allowance.TakeBytes(size * sizeof(size_t)));
  // Counted, since begin + by might not be a number.
  const int64_t distance = by > 0 ? end - begin : begin - end;
  const uint64_t width = by > 0 ? static_cast<uint64_t>(by)
                                : uint64_t{0} - static_cast<uint64_t>(by);
  for (uint64_t at = 0; std::cmp_less(at, std::max<int64_t>(distance, 0));) {
    const auto moved = static_cast<int64_t>(at);
    indices.push_back(
        static_cast<size_t>(by > 0 ? begin + moved : begin - moved));
    if (width > size) break;
    at += width;
  }
  return indices;
}

}  // namespace

Result<Value> Arithmetic(std::string_view op, const Value& a, const Value& b,
                         Allowance& allowance) {
  if (op == "/" || op == "**") {
    return MakeError(ErrorCode::kUnsupported, "operator {} is not supported",
                     Quote(op));
  }
  if (a.integer() != nullptr && b.integer() != nullptr) {
    return IntegerArithmetic(op, *a.integer(), *b.integer());
  }
  if (op != "+") return CannotDo(op, a, b);
  if (a.text() != nullptr && b.text() != nullptr) {
    REVLM_TRY(allowance.TakeBytes(a.text()->size() + b.text()->size()));
    MarkedText text = *a.text();
    text.Append(*b.text());
    return Value(std::move(text));
  }
  if (a.list() != nullptr && b.list() != nullptr &&
      a.list()->kind == b.list()->kind &&
      a.list()->kind != List::Kind::kSelection) {
    std::vector<Value> values = a.list()->values;
    values.insert(values.end(), b.list()->values.begin(),
                  b.list()->values.end());
    REVLM_TRY(allowance.TakeBytes(values.size() * sizeof(Value)));
    return MakeList(a.list()->kind, std::move(values));
  }
  return CannotDo(op, a, b);
}

Result<Value> Negate(const Value& value) {
  if (value.integer() == nullptr) {
    return MakeError(ErrorCode::kUnsupported, "\"-\" of {} is not supported",
                     Describe(value));
  }
  return IntegerArithmetic("-", 0, *value.integer());
}

Result<bool> Compare(std::string_view op, const Value& a, const Value& b,
                     Allowance& allowance) {
  if (op == "in") return IsIn(a, b, allowance);
  if (op == "not in") {
    REVLM_ASSIGN_OR_RETURN(const bool is_in, IsIn(a, b, allowance));
    return !is_in;
  }
  if (op == "==" || op == "!=") {
    REVLM_ASSIGN_OR_RETURN(const bool is_equal, Equal(a, b, allowance));
    return is_equal == (op == "==");
  }
  std::optional<bool> holds;
  if (a.integer() != nullptr && b.integer() != nullptr) {
    holds = Ordered(op, *a.integer(), *b.integer());
  } else if (a.text() != nullptr && b.text() != nullptr) {
    REVLM_TRY(
        allowance.TakeSteps(std::min(a.text()->size(), b.text()->size())));
    // Characters and their UTF-8 have the same order.
    holds = Ordered(op, a.text()->text(), b.text()->text());
  }
  if (!holds) return CannotDo(op, a, b);
  return *holds;
}

Result<Value> Item(const Value& of, const Value& index, Allowance& allowance) {
  const int64_t* number = index.integer();
  if (const List* list = of.list(); list != nullptr && number != nullptr &&
                                    list->kind != List::Kind::kSelection) {
    const auto at = IndexIn(list->values.size(), *number);
    return at ? list->values[*at] : Value(NoItem(of, index));
  }
  if (of.text() != nullptr && number != nullptr) {
    REVLM_ASSIGN_OR_RETURN(const auto boundaries,
                           BoundariesOf(*of.text(), allowance));
    const auto at = IndexIn(boundaries.size() - 1, *number);
    if (!at) return Value(NoItem(of, index));
    return Value(of.text()->Slice(boundaries[*at], boundaries[*at + 1]));
  }
  if (const Map* map = of.map();
      map != nullptr && map->kind == Map::Kind::kDictionary) {
    if (number != nullptr) return Value(NoItem(of, index));
    if (index.text() != nullptr) {
      if (const Value* value = map->Find(index.text()->text())) return *value;
      // Jinja then looks for an attribute.
      return Attribute(of, index.text()->text());
    }
  }
  return MakeError(
      ErrorCode::kUnsupported, "item {} of {} is not supported",
      index.text() != nullptr ? Quote(index.text()->text()) : Describe(index),
      Describe(of));
}

Result<Value> Attribute(const Value& of, std::string_view name) {
  // Those of Python's dictionaries come before their members.
  static constexpr std::array<std::string_view, 11> kMethods = {
      "clear", "copy",    "fromkeys",   "get",    "items", "keys",
      "pop",   "popitem", "setdefault", "update", "values"};
  const Map* map = of.map();
  if (map != nullptr && !name.starts_with('_') &&
      std::ranges::find(kMethods, name) == kMethods.end()) {
    if (const Value* value = map->Find(name)) return *value;
    if (map->kind == Map::Kind::kDictionary) {
      return Value(Undefined{std::string(name)});
    }
  }
  return MakeError(ErrorCode::kUnsupported,
                   "attribute {} of {} is not supported", Quote(name),
                   Describe(of));
}

Result<Value> Slice(const Value& of, const Value& start, const Value& stop,
                    const Value& step, Allowance& allowance) {
  if (const List* list = of.list();
      list != nullptr && list->kind != List::Kind::kSelection) {
    REVLM_ASSIGN_OR_RETURN(
        const auto indices,
        SliceIndices(list->values.size(), start, stop, step, allowance));
    std::vector<Value> values;
    for (const size_t i : indices) values.push_back(list->values[i]);
    REVLM_TRY(allowance.TakeBytes(values.size() * sizeof(Value)));
    return MakeList(list->kind, std::move(values));
  }
  if (const MarkedText* text = of.text()) {
    REVLM_ASSIGN_OR_RETURN(const auto boundaries,
                           BoundariesOf(*text, allowance));
    REVLM_ASSIGN_OR_RETURN(
        const auto indices,
        SliceIndices(boundaries.size() - 1, start, stop, step, allowance));
    REVLM_TRY(allowance.TakeBytes(text->size()));
    MarkedText slice;
    for (const size_t i : indices) {
      slice.Append(text->Slice(boundaries[i], boundaries[i + 1]));
    }
    return Value(std::move(slice));
  }
  return MakeError(ErrorCode::kUnsupported, "slicing {} is not supported",
                   Describe(of));
}

}  // namespace revlm::tokenizer
