// The forward pass through one layer, for all rows of a pass.
//
// A pass is a list of segments (consecutive positions of sequences): a whole
// prompt when it is read in, one position when it decodes. Rows go through a
// layer in chunks of at most `kChunkRows`; a sequence longer than that goes
// through in several, its keys and values kept in between. Attention runs per
// sequence and head.
//
// Threads: thread-confined; uses the pool. Memory: scratch for kChunkRows rows,
// and keys and values of one layer for sequences that keep none. Errors:
// kBudgetExceeded, kInternal. Determinism: a row's result depends on its own
// sequence only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/kernels.h"
#include "engine/matmul.h"
#include "engine/model.h"
#include "engine/sequence.h"
#include "engine/slab_stream.h"
#include "engine/thread_pool.h"

namespace revlm::engine {

inline constexpr int64_t kChunkRows = 512;

// What passes share: the model and the means to compute.
struct Machine {
  const ModelSpec& spec;
  const formats::Checkpoint& checkpoint;
  Matmul& matmul;
  ThreadPool& pool;
  const Kernels& kernels;
  ElementType kv_type = ElementType::kF32;
};

// Norm weights or biases widened to f32; empty stays null.
class SmallTensor {
 public:
  void Load(const Machine& machine, int32_t tensor_idx, const std::byte* data);
  const float* data() const {
    return values_.empty() ? nullptr : values_.data();
  }

 private:
  std::vector<float> values_;
};

struct Norm {
  SmallTensor weight;
  SmallTensor bias;

  void Run(const Machine& machine, const float* x, int64_t n, float* out) const;
};

class LayerRunner {
 public:
  explicit LayerRunner(const Machine& machine) : machine_(machine) {}

  // Makes room for the pass that follows: its angles and its scratch.
  // `num_rows` is the sum over segments.
  Status BeginPass(std::span<const Segment> segments, int64_t num_rows);

  // residual[row] becomes the layer's output, for every row of the pass.
  Status Run(int64_t layer_idx, const SlabView& slab, float* residual);

  // Bytes of scratch that BeginPass takes at most, for prompts up to `length`.
  static uint64_t ScratchBytes(const ModelSpec& spec, int64_t length);

 private:
  // Segments whose rows go through the layer together.
  struct Chunk {
    std::vector<Segment> segments;
    int64_t first_row = 0;
    int64_t num_rows = 0;
  };
  // A block of rows of a segment, for attention.
  struct AttentionBlock {
    size_t segment_idx = 0;
    int64_t first = 0;  // within the segment
    int64_t num_rows = 0;
  };
  struct KvView {
    std::byte* keys = nullptr;
    std::byte* values = nullptr;
  };

  void MakeChunks(std::span<const Segment> segments);
  void LoadLayer(const LayerTensors& layer, const SlabView& slab);
  WeightMatrix Matrix(const LinearTensors& linear) const;
  Status RunChunk(const Chunk& chunk, float* residual);
  Status RunAttention(const Chunk& chunk);
  Status RunMlp(const Chunk& chunk, const std::byte* input);
  void PlaceRow(const Chunk& chunk, int64_t row);
  KvView KvOf(const Chunk& chunk, const Segment& segment) const;
  void NormRows(const Norm& norm, const Chunk& chunk, const float* residual,
                std::byte* input);
  template <typename Body>
  void ForRows(const Chunk& chunk, const Body& body);

  const Machine& machine_;
  std::vector<Chunk> chunks_;
  std::vector<float> angles_;  // [row of the pass][cosines, sines]
  int64_t longest_ = 0;        // positions that attention reaches over

  // Of the layer being run.
  int64_t layer_idx_ = 0;
  const LayerTensors* layer_ = nullptr;
  std::vector<const std::byte*> parts_;  // by position in LayerTensorList
  std::vector<int32_t> part_tensors_;
  Norm attention_norm_, mlp_norm_, query_norm_, key_norm_;
  std::vector<SmallTensor> qkv_biases_, mlp_biases_;
  SmallTensor output_bias_, down_bias_;

  // Scratch for one chunk.
  MappedBuffer attention_input_, mlp_input_, product_input_;
  MappedBuffer qkv_, attention_, mlp_, attention_out_, mlp_out_;
  KvCache scratch_kv_;  // one layer, of segments that keep none
  int64_t scratch_kv_rows_ = 0;
  std::vector<std::vector<float>> thread_scratch_;
};

}  // namespace revlm::engine
