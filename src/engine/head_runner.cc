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

bool HeadRow::is_finite() const {
  return std::isfinite(best_logit) && std::isfinite(sum_exp);
}

void HeadRunner::FinalNorm(const float* x, float* out) const {
  RunNorm(machine_, machine_.spec.final_norm, x, machine_.spec.hidden_size,
          out);
}

void HeadRunner::Begin(std::span<HeadRow> rows,
                       const Activations& activations) {
  rows_ = rows;
  activations_ = activations;
  const int64_t width = machine_.spec.hidden_size;
  const int64_t row_bytes = machine_.matmul.InputRowBytes(width);
  machine_.pool.ParallelFor(
      static_cast<int64_t>(rows.size()), [&](int64_t i, int thread_idx) {
        HeadRow& row = rows_[static_cast<size_t>(i)];
        float* normed = reinterpret_cast<float*>(machine_.scratch(thread_idx));
        FinalNorm(activations_.residual + row.pass_row * width, normed);
        machine_.matmul.PrepareRow(normed, width,
                                   activations_.head_input + i * row_bytes);
        if (row.keep_logits) {
          row.logits.resize(static_cast<size_t>(machine_.spec.vocab_size));
        }
      });
}

// In blocks of columns, so that the logits of a chunk of rows stay few.
Status HeadRunner::RunTile(const Tile& tile, const SlabView& slab) {
  const int64_t width = machine_.spec.hidden_size;
  const int64_t row_bytes = machine_.matmul.InputRowBytes(width);
  const int64_t num_rows = static_cast<int64_t>(rows_.size());
  const formats::TensorInfo& head =
      machine_.checkpoint.tensor(machine_.spec.head);
  const uint64_t column_bytes = head.size_bytes / head.shape[0];
  for (int64_t column = 0; column < tile.num_rows; column += kHeadColumns) {
    const int64_t count = std::min(kHeadColumns, tile.num_rows - column);
    const Product product = {
        .weight = {.data = slab.part(tile.first_part) +
                           static_cast<uint64_t>(column) * column_bytes,
                   .type = WeightType(head),
                   .layout = WeightLayout::kOutIn,
                   .out_features = count,
                   .in_features = width}};
    for (int64_t first = 0; first < num_rows; first += kChunkRows) {
      const int64_t rows = std::min(kChunkRows, num_rows - first);
      REVLM_TRY(machine_.matmul.Multiply(
          activations_.head_input + first * row_bytes, rows, {&product, 1},
          [&](const ResultTile& result) {
            for (int64_t r = 0; r < result.num_rows; ++r) {
              std::copy_n(result.values + r * result.num_columns,
                          result.num_columns,
                          activations_.logits + (result.first_row + r) * count +
                              result.first_column);
            }
          }));
      machine_.pool.ParallelFor(rows, [&](int64_t i, int) {
        Score(rows_[static_cast<size_t>(first + i)], tile.first_row + column,
              count, activations_.logits + i * count);
      });
    }
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
