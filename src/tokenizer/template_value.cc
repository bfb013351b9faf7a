#include "tokenizer/template_value.h"

#include <algorithm>

#include "base/quote.h"

namespace revlm::tokenizer {
namespace {

using base::MakeError;

int32_t DepthOf(const Value& value) {
  if (const List* list = value.list()) return list->depth;
  if (const Map* map = value.map()) return map->depth;
  return 0;
}

Status CheckDepth(int32_t depth) {
  if (depth <= kMaxValueDepth) return {};
  return MakeError(ErrorCode::kUnsupported,
                   "lists and dictionaries {} deep in each other are not "
                   "supported, {} are",
                   depth, kMaxValueDepth);
}

Result<bool> EqualLists(const List& a, const List& b, Allowance& allowance) {
  if (a.kind != b.kind || a.kind == List::Kind::kSelection) {
    return MakeError(ErrorCode::kUnsupported,
                     "comparing lists of different kinds is not supported");
  }
  if (a.values.size() != b.values.size()) return false;
  for (size_t i = 0; i < a.values.size(); ++i) {
    REVLM_ASSIGN_OR_RETURN(const bool is_equal,
                           Equal(a.values[i], b.values[i], allowance));
    if (!is_equal) return false;
  }
  return true;
}

Result<bool> EqualMaps(const Map& a, const Map& b, Allowance& allowance) {
  if (a.kind == Map::Kind::kLoop || b.kind == Map::Kind::kLoop) {
    return MakeError(ErrorCode::kUnsupported,
                     "comparing \"loop\" is not supported");
  }
  if (a.members.size() != b.members.size()) return false;
  for (const auto& [name, value] : a.members) {
    const Value* other = b.Find(name);
    if (other == nullptr) return false;
    REVLM_ASSIGN_OR_RETURN(const bool is_equal,
                           Equal(value, *other, allowance));
    if (!is_equal) return false;
  }
  return true;
}

}  // namespace

const Value* Map::Find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      members, [name](const auto& member) { return member.first == name; });
  return found == members.end() ? nullptr : &found->second;
}

std::string Describe(const Value& value) {
  if (const Undefined* undefined = value.undefined()) {
    return base::Quote(undefined->name) + ", which is undefined";
  }
  if (value.is_none()) return "none";
  if (value.boolean() != nullptr) return "true or false";
  if (value.integer() != nullptr) return "a number";
  if (value.text() != nullptr) return "a string";
  if (value.list() != nullptr) return "a list";
  if (value.name_space() != nullptr) return "a namespace";
  return value.map()->kind == Map::Kind::kLoop ? "\"loop\"" : "a dictionary";
}

Status CheckCanBeKept(const Value& value) {
  if (value.list() == nullptr || value.list()->kind != List::Kind::kSelection) {
    return {};
  }
  return MakeError(ErrorCode::kUnsupported,
                   "keeping what selectattr or rejectattr gives is not "
                   "supported, it can be read once; with \"| list\" it is");
}

Result<Value> MakeList(List::Kind kind, std::vector<Value> values) {
  List list = {.kind = kind, .values = std::move(values)};
  for (const Value& value : list.values) {
    REVLM_TRY(CheckCanBeKept(value));
    list.depth = std::max(list.depth, DepthOf(value) + 1);
  }
  REVLM_TRY(CheckDepth(list.depth));
  return Value(std::move(list));
}

Result<Value> MakeDictionary(
    std::vector<std::pair<std::string, Value>> members) {
  Map map;
  map.members = std::move(members);
  for (const auto& [name, value] : map.members) {
    REVLM_TRY(CheckCanBeKept(value));
    map.depth = std::max(map.depth, DepthOf(value) + 1);
  }
  REVLM_TRY(CheckDepth(map.depth));
  return Value(std::move(map));
}

bool IsTrue(const Value& value) {
  if (const bool* boolean = value.boolean()) return *boolean;
  if (const int64_t* integer = value.integer()) return *integer != 0;
  if (const MarkedText* text = value.text()) return text->size() > 0;
  if (const List* list = value.list()) {
    return !list->values.empty() || list->kind == List::Kind::kSelection;
  }
  if (const Map* map = value.map()) return !map->members.empty();
  return value.name_space() != nullptr;
}

Result<bool> Equal(const Value& a, const Value& b, Allowance& allowance) {
  REVLM_TRY(allowance.TakeSteps(1));
  if (a.name_space() != nullptr || b.name_space() != nullptr) {
    return MakeError(ErrorCode::kUnsupported,
                     "comparing a namespace is not supported");
  }
  const auto number = [](const Value& value) -> const int64_t* {
    static constexpr int64_t kNumbers[] = {0, 1};
    if (const bool* boolean = value.boolean()) return &kNumbers[*boolean];
    return value.integer();
  };
  if (number(a) != nullptr && number(b) != nullptr) {
    return *number(a) == *number(b);
  }
  if (a.text() != nullptr && b.text() != nullptr) {
    if (a.text()->size() != b.text()->size()) return false;
    REVLM_TRY(allowance.TakeSteps(a.text()->size()));
    return a.text()->text() == b.text()->text();
  }
  if (a.list() != nullptr && b.list() != nullptr) {
    return EqualLists(*a.list(), *b.list(), allowance);
  }
  if (a.map() != nullptr && b.map() != nullptr) {
    return EqualMaps(*a.map(), *b.map(), allowance);
  }
  return (a.is_none() && b.is_none()) ||
         (a.undefined() != nullptr && b.undefined() != nullptr);
}

Status AppendText(const Value& value, MarkedText& text) {
  if (const MarkedText* given = value.text()) {
    text.Append(*given);
  } else if (value.is_none()) {
    text.Append("None", Origin::kTemplate);
  } else if (const bool* boolean = value.boolean()) {
    text.Append(*boolean ? "True" : "False", Origin::kTemplate);
  } else if (const int64_t* integer = value.integer()) {
    text.Append(std::to_string(*integer), Origin::kTemplate);
  } else if (value.undefined() == nullptr) {
    return MakeError(ErrorCode::kUnsupported, "printing {} is not supported",
                     Describe(value));
  }
  return {};
}

Status Allowance::TakeSteps(uint64_t num_steps) {
  if (num_steps > num_steps_) {
    return MakeError(ErrorCode::kUnsupported,
                     "rendering takes more steps than are allowed for a "
                     "conversation of this length");
  }
  num_steps_ -= num_steps;
  return {};
}

Status Allowance::TakeBytes(uint64_t num_bytes) {
  if (num_bytes > num_bytes_) {
    return MakeError(ErrorCode::kUnsupported,
                     "rendering makes more bytes than are allowed for a "
                     "conversation of this length");
  }
  num_bytes_ -= num_bytes;
  return {};
}

int64_t NumCharacters(std::string_view text) {
  return std::ranges::count_if(text, [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
}

}  // namespace revlm::tokenizer
