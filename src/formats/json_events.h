// Reads JSON as a stream of events, for texts too large to become a document.
//
// A reader derives from this and overrides the events its grammar allows, each
// returning whether to go on; all others stop with "unexpected ...". `Read`
// then gives the status of the whole. Strictness is that of base/json.h; what a
// reader does with repeated keys and depth is its own rule.
//
// Threads: thread-confined. Memory: constant, plus twice the longest string.
// Errors: kCorrupt, and the codes readers give to `Fail`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace revlm::formats {

class JsonEvents : public nlohmann::json_sax<base::Json> {
 public:
  // REQUIRES: called once.
  Status Read(std::string_view text, const std::string& source);

  bool null() override { return Unexpected("null"); }
  bool boolean(bool) override { return Unexpected("true or false"); }
  bool number_integer(number_integer_t) override {
    return Unexpected("negative number");
  }
  bool number_unsigned(number_unsigned_t) override {
    return Unexpected("number");
  }
  bool number_float(number_float_t, const string_t&) override {
    return Unexpected("number that is no integer of 64 bits");
  }
  bool string(string_t&) override { return Unexpected("string"); }
  bool binary(binary_t&) override { return Unexpected("binary data"); }
  bool start_object(size_t) override { return Unexpected("object"); }
  bool key(string_t&) override { return Unexpected("key"); }
  bool end_object() override { return Unexpected("end of object"); }
  bool start_array(size_t) override { return Unexpected("array"); }
  bool end_array() override { return Unexpected("end of array"); }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override;

 protected:
  // Stops reading; always false. The first call decides the error.
  bool Fail(std::string problem, ErrorCode code = ErrorCode::kCorrupt);
  // Where the reader is, for "unexpected number in the shape of ...".
  virtual std::string Place() const = 0;

 private:
  bool Unexpected(std::string_view what);

  Error error_;
};

}  // namespace revlm::formats
