#include "engine/head_runner.h"

#include <algorithm>
#include <cmath>

namespace revlm::engine {
namespace {

// Largest logit first; of equals the lowest id.
bool IsBetter(const Alternative& a, const Alternative& b) {
  return a.logprob != b.logprob ? a.logprob > b.logprob : a.id < b.id;
}

// Keeps the `limit` best of those seen.
void Offer(const Alternative& candidate, size_t limit,
           std::vector<Alternative>& best) {
  if (best.size() == limit && !IsBetter(candidate, best.back())) return;
  if (best.size() == limit) best.pop_back();
  best.insert(std::upper_bound(best.begin(), best.end(), candidate, IsBetter),
              candidate);
}

}  // namespace

float HeadRow::LogProb(float logit) const {
  return static_cast<float>(static_cast<double>(logit) -
                            static_cast<double>(best_logit) -
                            std::log(sum_exp));
}

void HeadRunner::LoadFinalNorm(const SlabView& slab) {
  const NormTensors& tensors = machine_.spec.final_norm;
  final_norm_.weight.Load(machine_, tensors.weight, slab.part(0));
  if (tensors.bias != kNoTensor) {
    final_norm_.bias.Load(machine_, tensors.bias, slab.part(1));
  }
}

void HeadRunner::FinalNorm(const float* x, float* out) const {
  final_norm_.Run(machine_, x, machine_.spec.hidden_size, out);
}

Status HeadRunner::Begin(std::span<HeadRow> rows, const float* residual) {
  rows_ = rows;
  const int64_t width = machine_.spec.hidden_size;
  const int64_t row_bytes = machine_.matmul.InputRowBytes(width);
  const int64_t num_rows = static_cast<int64_t>(rows.size());
  const uint64_t bytes =
      static_cast<uint64_t>(Matmul::PaddedRows(num_rows) * row_bytes);
  if (inputs_.size_bytes() < bytes) {
    inputs_ = MappedBuffer();
    REVLM_ASSIGN_OR_RETURN(inputs_,
                           MappedBuffer::Allocate(bytes, "rows to score"));
  }
  machine_.pool.ParallelFor(num_rows, [&](int64_t i, int) {
    HeadRow& row = rows_[static_cast<size_t>(i)];
    std::vector<float> normed(static_cast<size_t>(width));
    FinalNorm(residual + row.pass_row * width, normed.data());
    machine_.matmul.PrepareRow(normed.data(), width,
                               inputs_.bytes() + i * row_bytes);
    if (row.keep_logits) {
      row.logits.resize(static_cast<size_t>(machine_.spec.vocab_size));
    }
  });
  return {};
}

Status HeadRunner::RunTile(int64_t first_token, int64_t num_tokens,
                           const SlabView& slab) {
  const int64_t width = machine_.spec.hidden_size;
  const int64_t row_bytes = machine_.matmul.InputRowBytes(width);
  const int64_t num_rows = static_cast<int64_t>(rows_.size());
  const uint64_t bytes =
      static_cast<uint64_t>(std::min(num_rows, kChunkRows) * num_tokens) *
      sizeof(float);
  if (logits_.size_bytes() < bytes) {
    logits_ = MappedBuffer();
    REVLM_ASSIGN_OR_RETURN(logits_, MappedBuffer::Allocate(bytes, "logits"));
  }
  const auto& head =
      machine_.checkpoint.tensors()[static_cast<size_t>(machine_.spec.head)];
  const Product product = {.weight = {.data = slab.part(0),
                                      .type = WeightType(head),
                                      .layout = WeightLayout::kOutIn,
                                      .out_features = num_tokens,
                                      .in_features = width},
                           .output = logits_.as<float>(),
                           .output_stride = num_tokens};
  for (int64_t first = 0; first < num_rows; first += kChunkRows) {
    const int64_t count = std::min(kChunkRows, num_rows - first);
    REVLM_TRY(machine_.matmul.Multiply(inputs_.bytes() + first * row_bytes,
                                       count, {&product, 1}));
    machine_.pool.ParallelFor(count, [&](int64_t i, int) {
      Score(rows_[static_cast<size_t>(first + i)], first_token, num_tokens,
            logits_.as<float>() + i * num_tokens);
    });
  }
  return {};
}

void HeadRunner::Score(HeadRow& row, int64_t first_token, int64_t num_tokens,
                       const float* logits) const {
  const size_t limit = static_cast<size_t>(
      std::min<int64_t>(row.num_alternatives, machine_.spec.vocab_size));
  for (int64_t start = 0; start < num_tokens; start += kColumnTile) {
    const int64_t count = std::min(kColumnTile, num_tokens - start);
    const LogitBlock block =
        machine_.kernels.logit_block(logits + start, count);
    if (block.max > row.best_logit) {
      row.sum_exp *= std::exp(static_cast<double>(row.best_logit) -
                              static_cast<double>(block.max));
      row.best_logit = block.max;
      row.best = static_cast<int32_t>(first_token + start + block.max_idx);
    }
    row.sum_exp +=
        block.sum_exp * std::exp(static_cast<double>(block.max) -
                                 static_cast<double>(row.best_logit));
    if (limit == 0) continue;
    if (row.best_few.size() == limit &&
        block.max < row.best_few.back().logprob) {
      continue;
    }
    for (int64_t i = 0; i < count; ++i) {
      Offer({.id = static_cast<int32_t>(first_token + start + i),
             .logprob = logits[start + i]},
            limit, row.best_few);
    }
  }
  const int64_t known = row.known_next - first_token;
  if (row.known_next >= 0 && known >= 0 && known < num_tokens) {
    row.known_logit = logits[known];
  }
  if (row.keep_logits) {
    std::copy_n(logits, num_tokens, row.logits.begin() + first_token);
  }
}

}  // namespace revlm::engine
