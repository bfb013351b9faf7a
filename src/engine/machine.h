// What passes share: the model, the means to compute, and scratch.
//
// Threads: as its members say; `thread_scratch` belongs to one thread of the
// pool each.
#pragma once

#include <cstddef>
#include <span>

#include "engine/kernels.h"
#include "engine/kv_pages.h"
#include "engine/matmul.h"
#include "engine/model.h"
#include "engine/small_tensors.h"
#include "engine/thread_pool.h"
#include "formats/checkpoint.h"

namespace revlm::engine {

struct Machine {
  const ModelSpec& spec;
  const formats::Checkpoint& checkpoint;
  Matmul& matmul;
  ThreadPool& pool;
  const Kernels& kernels;
  KvPages kv_pages;
  const SmallTensors* small = nullptr;
  std::span<std::byte> thread_scratch;  // equal shares, aligned to a page

  std::byte* scratch(int thread_idx) const {
    const size_t share =
        thread_scratch.size() / static_cast<size_t>(pool.num_threads());
    return thread_scratch.data() + static_cast<size_t>(thread_idx) * share;
  }

  // What one thread's share must hold, for sequences up to `longest`.
  static uint64_t ScratchBytes(const ModelSpec& spec, int64_t longest);
};

// One row through a norm: `small` has its weights.
void RunNorm(const Machine& machine, const NormTensors& norm, const float* x,
             int64_t n, float* out);

}  // namespace revlm::engine
