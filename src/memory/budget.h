// Who may hold how many bytes, and for what.
//
// One `Budget` is the law of a process: whatever holds much memory has reserved
// it here first. A reservation is granted whole or refused; there is no call
// that cannot fail. It is given back by its destructor.
//
//   memory::Budget budget(limit_bytes);
//   REVLM_ASSIGN_OR_RETURN(memory::Reservation held,
//                          budget.Reserve(size_bytes, memory::Use::kSlabs));
//
// Threads: Budget may be used from many threads at once; a Reservation belongs
// to one. Lifetime: a budget outlives its reservations. Errors:
// kBudgetExceeded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace revlm::memory {

// What bytes are held for.
enum class Use {
  kProgram,      // code, tokenizers, and everything small
  kWeights,      // slabs that stay
  kSlabs,        // the ring of slabs that are streamed
  kActivations,  // rows of a pass
  kKeysValues,
  kScratch,
  kResults,
};
inline constexpr size_t kNumUses = 7;

// "program", "weights", "slabs", "activations", "keys and values", "scratch",
// "results".
std::string_view UseName(Use use);

class Budget;

class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept { Swap(other); }
  Reservation& operator=(Reservation&& other) noexcept {
    Swap(other);
    return *this;
  }
  ~Reservation() { Release(); }

  uint64_t size_bytes() const { return size_bytes_; }
  Use use() const { return use_; }
  // Gives the bytes back.
  void Release();

 private:
  friend class Budget;
  Reservation(Budget* budget, uint64_t size_bytes, Use use)
      : budget_(budget), size_bytes_(size_bytes), use_(use) {}
  void Swap(Reservation& other) {
    std::swap(budget_, other.budget_);
    std::swap(size_bytes_, other.size_bytes_);
    std::swap(use_, other.use_);
  }

  Budget* budget_ = nullptr;
  uint64_t size_bytes_ = 0;
  Use use_ = Use::kProgram;
};

class Budget {
 public:
  explicit Budget(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  Result<Reservation> Reserve(uint64_t size_bytes, Use use);

  uint64_t limit_bytes() const { return limit_bytes_; }
  uint64_t left_bytes() const { return limit_bytes_ - reserved_bytes(); }
  uint64_t reserved_bytes() const;
  uint64_t reserved_bytes(Use use) const;
  uint64_t peak_bytes() const;  // the most that was ever reserved

 private:
  friend class Reservation;
  void Return(uint64_t size_bytes, Use use);

  const uint64_t limit_bytes_;
  mutable std::mutex mutex_;
  uint64_t reserved_bytes_ = 0;                 // guarded by mutex_
  uint64_t peak_bytes_ = 0;                     // guarded by mutex_
  std::array<uint64_t, kNumUses> by_use_ = {};  // guarded by mutex_
};

}  // namespace revlm::memory
