#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "base/quote.h"

namespace revlm::base {
namespace {

// Builds the document from SAX events, so that depth and duplicate keys are
// checked before anything is stored.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(const JsonLimits& limits, std::span<const JsonRoute> routes)
      : limits_(limits), routes_(routes) {}

  bool null() override {
    return sink_ != nullptr ? Sent(sink_->Other("null")) : Add(nullptr);
  }
  bool boolean(bool value) override {
    if (sink_ == nullptr) return Add(value);
    return Sent(sink_->Other(value ? "true" : "false"));
  }
  bool number_integer(number_integer_t value) override {
    return sink_ != nullptr ? Sent(sink_->Integer(value)) : Add(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (sink_ == nullptr) return Add(value);
    if (value > INT64_MAX) return Sent(sink_->Other(std::to_string(value)));
    return Sent(sink_->Integer(static_cast<int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t& digits) override {
    if (!std::isfinite(value)) return Fail("a number out of range");
    return sink_ != nullptr ? Sent(sink_->Other(digits)) : Add(value);
  }
  bool string(string_t& value) override {
    return sink_ != nullptr ? Sent(sink_->String(value))
                            : Add(std::move(value));
  }
  bool binary(binary_t&) override { return Fail("binary data"); }
  bool start_object(size_t) override { return Open('{'); }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Open('['); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    if (sink_ != nullptr) return Sent(sink_->Key(name));
    auto [member, is_new] = open_.back()->get_ref<Json::object_t&>().emplace(
        std::move(name), nullptr);
    if (!is_new)
      return Fail(fmt::format("duplicate key {}", Quote(member->first)));
    slot_ = &member->second;
    slot_name_ = member->first;
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    position_ = position;
    return Fail("invalid JSON");
  }

  Json& root() { return root_; }
  const std::string& problem() const { return problem_; }
  size_t position() const { return position_; }
  std::optional<Error>& sink_error() { return sink_error_; }

 private:
  bool Fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }

  Json* Place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      auto& array = open_.back()->get_ref<Json::array_t&>();
      array.push_back(std::move(value));
      return &array.back();
    }
    *slot_ = std::move(value);
    return slot_;
  }
  bool Add(Json value) {
    Place(std::move(value));
    return true;
  }
  bool Open(char bracket) {
    if (open_.size() + sink_depth_ >= limits_.max_depth) {
      return Fail(fmt::format("nesting deeper than {}", limits_.max_depth));
    }
    if (sink_ == nullptr) {
      const bool is_member = !open_.empty() && open_.back()->is_object();
      names_.push_back(is_member ? slot_name_ : std::string());
      Json* value = Place(bracket == '{' ? Json::object() : Json::array());
      sink_ = RouteOf(names_);
      if (sink_ == nullptr) {
        open_.push_back(value);
        return true;
      }
    }
    ++sink_depth_;
    return Sent(sink_->Open(bracket));
  }
  bool Close() {
    if (sink_ == nullptr) {
      open_.pop_back();
      names_.pop_back();
      return true;
    }
    const bool sent = Sent(sink_->Close());
    if (--sink_depth_ == 0) {
      sink_ = nullptr;
      names_.pop_back();
    }
    return sent;
  }
  // The sink for the container at `names`: the document has no name.
  JsonSink* RouteOf(const std::vector<std::string>& names) const {
    for (const JsonRoute& route : routes_) {
      if (std::equal(names.begin() + 1, names.end(), route.path.begin(),
                     route.path.end())) {
        return route.sink;
      }
    }
    return nullptr;
  }
  bool Sent(Status status) {
    if (!status) sink_error_ = std::move(status).error();
    return !sink_error_.has_value();
  }

  const JsonLimits limits_;
  const std::span<const JsonRoute> routes_;
  Json root_;
  std::vector<Json*> open_;  // containers not yet closed, outermost first
  std::vector<std::string> names_;  // of the members they are
  Json* slot_ = nullptr;            // where the value of the last key goes
  std::string slot_name_;
  JsonSink* sink_ = nullptr;  // where events go instead
  size_t sink_depth_ = 0;
  std::optional<Error> sink_error_;
  std::string problem_;
  size_t position_ = 0;
};

std::unexpected<Error> WrongType(const std::string& source,
                                 std::string_view key, const Json& found,
                                 std::string_view allowed) {
  std::string text = found.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return MakeError(ErrorCode::kCorrupt, "{}: \"{}\" is {}, allowed is {}",
                   source, key, text, allowed);
}

}  // namespace

Result<Json> ParseJson(std::string_view text, const std::string& source,
                       const JsonLimits& limits) {
  return ParseJsonWithSinks(text, source, limits, {});
}

Result<Json> ParseJsonWithSinks(std::string_view text,
                                const std::string& source,
                                const JsonLimits& limits,
                                std::span<const JsonRoute> routes) {
  // nlohmann takes a NUL byte for the end of the text.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return MakeError(ErrorCode::kCorrupt, "{}: invalid JSON at byte {}: NUL",
                     source, nul + 1);
  }
  Builder builder(limits, routes);
  bool parsed = false;
  try {
    parsed = Json::sax_parse(text.begin(), text.end(), &builder);
  } catch (const Json::exception& e) {
    return MakeError(ErrorCode::kCorrupt, "{}: {}", source, e.what());
  }
  if (parsed) return std::move(builder.root());
  if (builder.sink_error()) {
    return WithContext(std::move(*builder.sink_error()), source);
  }
  if (builder.position() > 0) {
    return MakeError(ErrorCode::kCorrupt, "{}: {} at byte {}", source,
                     builder.problem(), builder.position());
  }
  return MakeError(ErrorCode::kCorrupt, "{}: {}", source, builder.problem());
}

void AppendJsonString(std::string_view text, std::string& out) {
  const auto is_plain = [](unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
  };
  if (!std::ranges::all_of(text, is_plain)) {
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

const Json* FindMember(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  auto member = object.find(key);
  if (member == object.end() || member->is_null()) return nullptr;
  return &*member;
}

Result<std::optional<int64_t>> GetInt(const Json& object, std::string_view key,
                                      IntRange range,
                                      const std::string& source) {
  const Json* member = FindMember(object, key);
  if (member == nullptr) return std::nullopt;
  bool in_range = false;
  int64_t value = 0;
  if (member->is_number_unsigned()) {
    const uint64_t unsigned_value = member->get<uint64_t>();
    if (unsigned_value <= INT64_MAX) {
      value = static_cast<int64_t>(unsigned_value);
      in_range = value >= range.min && value <= range.max;
    }
  } else if (member->is_number_integer()) {
    value = member->get<int64_t>();
    in_range = value >= range.min && value <= range.max;
  }
  if (!in_range) {
    return WrongType(
        source, key, *member,
        fmt::format("an integer from {} to {}", range.min, range.max));
  }
  return value;
}

Result<std::optional<double>> GetNumber(const Json& object,
                                        std::string_view key,
                                        const std::string& source) {
  const Json* member = FindMember(object, key);
  if (member == nullptr) return std::nullopt;
  if (!member->is_number()) return WrongType(source, key, *member, "a number");
  return member->get<double>();
}

Result<std::optional<bool>> GetBool(const Json& object, std::string_view key,
                                    const std::string& source) {
  const Json* member = FindMember(object, key);
  if (member == nullptr) return std::nullopt;
  if (!member->is_boolean()) {
    return WrongType(source, key, *member, "true or false");
  }
  return member->get<bool>();
}

Result<std::optional<std::string>> GetString(const Json& object,
                                             std::string_view key,
                                             const std::string& source) {
  const Json* member = FindMember(object, key);
  if (member == nullptr) return std::nullopt;
  if (!member->is_string()) return WrongType(source, key, *member, "a string");
  return member->get<std::string>();
}

Json FloatToJson(float value) {
  if (!std::isfinite(value)) return nullptr;
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof(digits), value);
  double widened = 0;
  std::from_chars(digits, written.ptr, widened);
  return widened;
}

}  // namespace revlm::base
