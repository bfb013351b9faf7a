// What a model answered to many prompts, or how probable it found many answers,
// in a file: asked for again it is read instead of asked.
//
// A file is of one list of requests, whose digest is its key, and of one model,
// which the caller answers for. It appears when it is complete.
//
// Threads: pure functions. Memory: the rows. Errors: kUnavailable (I/O, disk
// full). Determinism: rows read back bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "crypto/sha256.h"

namespace revlm::verify {

// By request, tokens or ln of their probabilities.
template <typename T>
using AnswerRows = std::vector<std::vector<T>>;

// Whether a row can be so long.
using FitsRow = std::function<bool(size_t row_idx, size_t length)>;

// Nothing: there is no such file, or it is of other requests, damaged, or has
// rows that do not fit.
template <typename T>
std::optional<AnswerRows<T>> ReadKeptAnswers(const std::string& path,
                                             const crypto::Sha256Digest& key,
                                             size_t num_rows,
                                             const FitsRow& fits);

template <typename T>
Status KeepAnswers(const std::string& path, const crypto::Sha256Digest& key,
                   const AnswerRows<T>& rows);

}  // namespace revlm::verify
