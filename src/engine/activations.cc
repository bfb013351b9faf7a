#include "engine/activations.h"

#include <algorithm>

#include "base/bytes.h"

namespace revlm::engine {
namespace {

// Gives out places one after another, each on a line of the cache.
class Layout {
 public:
  explicit Layout(std::byte* memory) : memory_(memory) {}

  template <typename T>
  void Take(int64_t rows, int64_t row_bytes, T*& out) {
    if (memory_ != nullptr) out = reinterpret_cast<T*>(memory_ + used_);
    used_ += base::AlignUp(static_cast<uint64_t>(rows * row_bytes), 64);
  }
  uint64_t used() const { return used_; }
  void Rewind(uint64_t used) { used_ = used; }

 private:
  std::byte* memory_;
  uint64_t used_ = 0;
};

}  // namespace

uint64_t Activations::Lay(const ModelSpec& spec, const Matmul& matmul,
                          const PassLimits& limits, std::byte* memory,
                          Activations* out) {
  Activations ignored;
  Activations& a = out != nullptr ? *out : ignored;
  const int64_t rows = limits.num_rows;
  const int64_t padded = Matmul::PaddedRows(rows);
  const int64_t input_bytes = matmul.InputRowBytes(spec.hidden_size);
  Layout layout(memory);
  layout.Take(1, static_cast<int64_t>(limits.kv_scratch_bytes), a.kv_scratch);
  layout.Take(rows, spec.hidden_size * 4, a.residual);
  layout.Take(rows, spec.rope.rotary_dim() * 4, a.angles);
  layout.Take(padded, input_bytes, a.attention_input);
  a.mlp_input = a.attention_input;
  if (spec.parallel_residual) layout.Take(padded, input_bytes, a.mlp_input);
  const uint64_t shared = layout.used();
  layout.Take(rows, spec.qkv_width() * 4, a.qkv);
  layout.Take(padded, matmul.InputRowBytes(spec.attention_width()), a.attended);
  uint64_t end = layout.used();
  layout.Rewind(shared);
  layout.Take(padded, matmul.InputRowBytes(spec.intermediate_size), a.gated);
  end = std::max(end, layout.used());
  layout.Rewind(shared);
  layout.Take(Matmul::PaddedRows(limits.num_head_rows), input_bytes,
              a.head_input);
  layout.Take(std::min(limits.num_head_rows, kChunkRows),
              std::min(spec.vocab_size, kHeadColumns) * 4, a.logits);
  return std::max(end, layout.used());
}

}  // namespace revlm::engine
