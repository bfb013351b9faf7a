// What was found, in a file, until it is no longer needed: asked for again it
// is read instead of found.
//
// A file has rows of numbers or bytes and appears when it is complete. Its key
// says what they were found for, all of it: what is under another key is not
// used.
//
// Threads: pure functions. Memory: the rows; `fits` is asked before a row takes
// any. Errors: kUnavailable (I/O, disk full). Determinism: rows read back bit
// for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace revlm::verify {

struct KeptAt {
  std::string path;
  std::string key;
};

template <typename T>
using Rows = std::vector<std::vector<T>>;

// Whether a row can be so long.
using FitsRow = std::function<bool(size_t row_idx, size_t length)>;

// T: int32_t, float or char. Nothing: there is no such file, or it has another
// key, is damaged, or has rows that do not fit.
template <typename T>
std::optional<Rows<T>> ReadKept(const KeptAt& at, size_t num_rows,
                                const FitsRow& fits);

template <typename T>
Status Keep(const KeptAt& at, const Rows<T>& rows);
// One row of bytes.
Status KeepBytes(const KeptAt& at, std::string_view bytes);

}  // namespace revlm::verify
