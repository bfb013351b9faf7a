// Safetensors files with one named defect each, for tests and seed corpora.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace revlm::formats {

struct SafetensorsDefect {
  const char* name;     // what is wrong, as a file name
  const char* message;  // part of the error it must give
  std::string bytes;    // the whole file
};

// A length field, `header` and `data_bytes` bytes of data.
inline std::string SafetensorsFile(const std::string& header,
                                   size_t data_bytes) {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
  return bytes + header + std::string(data_bytes, 'd');
}

inline std::string WithLength(uint64_t length, const std::string& rest) {
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) +
         rest;
}

// Every defect whose file is small. What a defect leaves out is in order.
inline std::vector<SafetensorsDefect> SmallSafetensorsDefects() {
  const auto file = &SafetensorsFile;
  const std::string a4 =
      R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  const std::string b4 =
      R"("b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]})";
  // One tensor "a" with this dtype, shape and data_offsets.
  const auto one = [&](const std::string& dtype, const std::string& shape,
                       const std::string& offsets, size_t data_bytes) {
    return file("{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
                    ",\"data_offsets\":" + offsets + "}}",
                data_bytes);
  };
  return {
      {"empty_file", "0 bytes", ""},
      {"length_cut", "7 bytes", std::string(7, '\0')},
      {"length_zero", "header of 0 bytes", WithLength(0, "{}")},
      {"length_beyond_file", "header of 3 bytes", WithLength(3, "{}")},
      {"length_over_cap", "header of 100000001 bytes",
       WithLength(100'000'001, "{}")},
      {"length_2_31", "header of", WithLength(uint64_t{1} << 31, "{}")},
      {"length_2_63", "header of", WithLength(uint64_t{1} << 63, "{}")},
      {"length_max", "header of 18446744073709551615 bytes",
       WithLength(UINT64_MAX, "{}")},
      {"not_an_object", "begins with \"[\"", file("[]", 0)},
      {"leading_space", "begins with \" \"", file(" {}", 0)},
      {"byte_order_mark", R"(begins with "\xef")", file("\xef\xbb\xbf{}", 0)},
      {"json_cut", "invalid JSON", file("{" + a4, 4)},
      {"json_trailing_garbage", "invalid JSON", file("{" + a4 + "}}", 4)},
      {"json_comment", "invalid JSON", file("{/**/" + a4 + "}", 4)},
      {"json_trailing_comma", "invalid JSON", file("{" + a4 + ",}", 4)},
      {"nul_after_json", "NUL", file("{" + a4 + "}" + std::string(3, '\0'), 4)},
      {"name_not_utf8", "invalid JSON",
       file(
           "{\"\xff\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
           0)},
      {"duplicate_tensor", "duplicate key \"a\"",
       file("{" + a4 +
                R"(,"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
            8)},
      {"duplicate_field", "duplicate key in tensor \"a\"",
       file(R"({"a":{"dtype":"U8","dtype":"U8","shape":[4],)"
            R"("data_offsets":[0,4]}})",
            4)},
      {"duplicate_metadata", "duplicate key \"__metadata__\"",
       file(R"({"__metadata__":{},"__metadata__":{},)" + a4 + "}", 4)},
      {"duplicate_metadata_key", "duplicate key \"k\"",
       file(R"({"__metadata__":{"k":"v","k":"w"},)" + a4 + "}", 4)},
      {"metadata_is_a_string", "unexpected string for \"__metadata__\"",
       file(R"({"__metadata__":"pt",)" + a4 + "}", 4)},
      {"metadata_value_is_a_number", "unexpected number for \"k\"",
       file(R"({"__metadata__":{"k":1},)" + a4 + "}", 4)},
      {"metadata_value_is_an_object", "unexpected object for \"k\"",
       file(R"({"__metadata__":{"k":{}},)" + a4 + "}", 4)},
      {"tensor_is_an_array", "unexpected array for \"a\"",
       file(R"({"a":[]})", 0)},
      {"tensor_is_null", "unexpected \"null\" for \"a\"",
       file(R"({"a":null})", 0)},
      {"dtype_missing", "lacks its dtype",
       file(R"({"a":{"shape":[4],"data_offsets":[0,4]}})", 4)},
      {"shape_missing", "lacks its shape",
       file(R"({"a":{"dtype":"U8","data_offsets":[0,4]}})", 4)},
      {"offsets_missing", "lacks its data_offsets",
       file(R"({"a":{"dtype":"U8","shape":[4]}})", 4)},
      {"unknown_field", "unknown key \"x\" in tensor \"a\"",
       file(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}})",
            4)},
      {"dtype_unknown", "has dtype \"X9\"", one("\"X9\"", "[4]", "[0,4]", 4)},
      {"dtype_is_a_number", "unexpected number", one("8", "[4]", "[0,4]", 4)},
      {"shape_is_a_number", "unexpected number",
       one("\"U8\"", "4", "[0,4]", 4)},
      {"shape_nested", "unexpected array", one("\"U8\"", "[[4]]", "[0,4]", 4)},
      {"nested_too_deep", "unexpected array",
       one("\"U8\"", std::string(1000, '['), "[0,4]", 4)},
      {"dim_negative", "unexpected negative number",
       one("\"U8\"", "[-4]", "[0,4]", 4)},
      {"dim_fraction", "unexpected \"4.0\"",
       one("\"U8\"", "[4.0]", "[0,4]", 4)},
      {"dim_exponent", "unexpected \"4e0\"",
       one("\"U8\"", "[4e0]", "[0,4]", 4)},
      {"dim_over_64_bits", "unexpected \"18446744073709551616\"",
       one("\"U8\"", "[18446744073709551616]", "[0,4]", 4)},
      {"dim_is_a_string", "unexpected string",
       one("\"U8\"", "[\"4\"]", "[0,4]", 4)},
      {"rank_17", "more than 16 dimensions",
       one("\"U8\"", "[4,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,4]", 4)},
      {"shape_product_wraps_to_size", "too large",
       one("\"U8\"", "[4611686018427387905,4]", "[0,4]", 4)},
      {"shape_product_wraps_to_zero", "too large",
       one("\"U8\"", "[4611686018427387904,4]", "[0,0]", 0)},
      {"bits_overflow", "too large",
       one("\"F64\"", "[288230376151711744]", "[0,0]", 0)},
      {"not_whole_bytes", "not whole bytes", one("\"F4\"", "[3]", "[0,2]", 2)},
      {"offsets_of_one", "not a begin and an end",
       one("\"U8\"", "[4]", "[4]", 4)},
      {"offsets_of_three", "not a begin and an end",
       one("\"U8\"", "[4]", "[0,4,4]", 4)},
      {"offsets_reversed", "not a begin and an end",
       one("\"U8\"", "[4]", "[4,0]", 4)},
      {"offsets_negative", "unexpected negative number",
       one("\"U8\"", "[4]", "[-4,0]", 4)},
      {"size_mismatch", "takes 4 bytes by shape and dtype, 5 by",
       one("\"U8\"", "[4]", "[0,5]", 5)},
      {"offset_end_max", "unexpected \"18446744073709551615\"",
       one("\"U8\"", "[4]", "[0,18446744073709551615]", 4)},
      {"begin_beyond_data", "hole before tensor \"a\"",
       one("\"U8\"", "[4]", "[9223372036854775803,9223372036854775807]", 4)},
      {"hole_at_start", "hole before tensor \"a\"",
       one("\"U8\"", "[4]", "[1,5]", 5)},
      {"hole", "hole before tensor \"b\"",
       file("{" + a4 + R"(,"b":{"dtype":"U8","shape":[4],)" +
                R"("data_offsets":[5,9]}})",
            9)},
      {"overlap", "overlap before tensor \"b\"",
       file("{" + a4 + R"(,"b":{"dtype":"U8","shape":[4],)" +
                R"("data_offsets":[3,7]}})",
            7)},
      {"same_bytes_twice", "overlap before tensor",
       file("{" + a4 + R"(,"b":{"dtype":"U8","shape":[4],)" +
                R"("data_offsets":[0,4]}})",
            4)},
      {"empty_tensor_inside_another", "overlap before tensor \"b\"",
       file("{" + a4 + R"(,"b":{"dtype":"U8","shape":[0],)" +
                R"("data_offsets":[2,2]}})",
            4)},
      {"data_cut", "the tensors end at byte 8 of the data, the file at 7",
       file("{" + a4 + "," + b4 + "}", 7)},
      {"data_trailing", "the tensors end at byte 8 of the data, the file at 9",
       file("{" + a4 + "," + b4 + "}", 9)},
      {"no_tensors_but_data", "the tensors end at byte 0", file("{}", 1)},
  };
}

// Files that look odd and are right.
inline std::vector<std::pair<const char*, std::string>> ValidSafetensors() {
  const auto file = &SafetensorsFile;
  return {
      {"valid_empty", file("{}", 0)},
      {"valid_padded", file("{}      ", 0)},
      {"valid_metadata", file(R"({"__metadata__":{"format":"pt","":""}})", 0)},
      {"valid_two",
       file(R"({"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
            R"("a":{"data_offsets":[0,4],"shape":[],"dtype":"F32"}})",
            16)},
      {"valid_empty_tensors",
       file(R"({"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
            R"("a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
            R"("c":{"dtype":"I64","shape":[7,0],"data_offsets":[4,4]}})",
            4)},
      {"valid_sub_byte",
       file(R"({"a":{"dtype":"F4","shape":[2,3],"data_offsets":[0,3]},)"
            R"("b":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[3,6]}})",
            6)},
      {"valid_empty_name",
       file(R"({"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1)},
      {"valid_rank_16",
       file(R"({"a":{"dtype":"BOOL","shape":[2,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],)"
            R"("data_offsets":[0,2]}})",
            2)},
  };
}

}  // namespace revlm::formats
