// One model's logits, prompt by prompt, until another model's are there to be
// compared with.
//
// They wait in a scratch file (base/scratch_file.h). Where the directory is not
// on a disk they wait in memory, which the budget then has to hold.
//
// Threads: thread-confined. Lifetime: borrows the budget. Memory: one buffer of
// a row, or a MiB, reserved in the budget; without a disk all of it. Errors:
// kUnavailable (disk full, I/O), kBudgetExceeded. Determinism: what was put is
// what is taken, bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/scratch_file.h"
#include "memory/budget.h"

namespace revlm::verify {

class LogitStore {
 public:
  // What a store on a disk takes of memory.
  static uint64_t BufferBytes(uint64_t row_bytes);

  // Room for prompts of so many positions each, `row_floats` a position.
  static Result<LogitStore> Create(const std::string& directory,
                                   std::span<const int64_t> positions,
                                   int64_t row_floats, memory::Budget& budget);

  // REQUIRES: logits of all positions of the prompt.
  Status Put(size_t prompt_idx, std::span<const float> logits);

  // One position of a prompt that was put; valid until the next call.
  Result<std::span<const float>> Row(size_t prompt_idx, int64_t position);

 private:
  struct FreeBuffer {
    void operator()(std::byte* buffer) const;
  };

  LogitStore(std::vector<uint64_t> offsets, uint64_t row_bytes)
      : offsets_(std::move(offsets)), row_bytes_(row_bytes) {}

  std::vector<uint64_t> offsets_;  // of prompts, and of the end
  uint64_t row_bytes_;
  memory::Reservation held_;
  std::optional<base::ScratchFile> file_;  // nothing: all is in `buffer_`
  std::unique_ptr<std::byte, FreeBuffer> buffer_;
  uint64_t buffer_bytes_ = 0;
  // What of the file the buffer holds: from `begin_` to `end_`, at
  // `buffered_`.
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  const std::byte* buffered_ = nullptr;
};

}  // namespace revlm::verify
