// The GPT-2 byte alphabet: each of the 256 bytes has a printable character, so
// that a vocabulary of text holds arbitrary bytes. Printable Latin-1 bytes
// stand for themselves; the others are U+0100, U+0101, ... in byte order.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace revlm::tokenizer {

// Every byte of `text` as its character.
void AppendBytesAsCharacters(std::string_view text, std::string* out);

// The bytes that the characters of `token` stand for; `token` itself when one
// of them stands for none.
void AppendCharactersAsBytes(std::string_view token, std::string* out);

}  // namespace revlm::tokenizer
