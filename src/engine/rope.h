// Angles of rotary position embeddings and their scalings: default (Su et al.
// 2021, arXiv 2104.09864), linear (positions divided by a factor), llama3
// (frequencies scaled by wavelength, Llama 3.1) and yarn (Peng et al. 2023,
// arXiv 2309.00071).
//
// Frequencies and angles are rounded to f32 where the reference implementation
// rounds them, because at long positions that rounding is the result.
//
// Threads: const calls may be made from many threads. Errors: kUnsupported (a
// scaling not listed, by name), kCorrupt.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "formats/config.h"

namespace revlm::engine {

class Rope {
 public:
  Rope() = default;  // rotates nothing

  // `rotary_dim` is even; `max_positions` is the configuration's.
  static Result<Rope> Create(const formats::RopeConfig& config,
                             int64_t rotary_dim, int64_t max_positions,
                             const std::string& source);

  int64_t rotary_dim() const {
    return 2 * static_cast<int64_t>(frequencies_.size());
  }

  // rotary_dim / 2 cosines and sines for one position.
  void Angles(int64_t position, float* cosines, float* sines) const;

 private:
  std::vector<float> frequencies_;
  float attention_factor_ = 1;  // yarn scales queries and keys by it
};

}  // namespace revlm::engine
