#include "engine/kernels_testing.h"

namespace revlm::engine {
namespace {

class AttentionTest : public KernelsTest {};

INSTANTIATE_TEST_SUITE_P(Tables, AttentionTest,
                         ::testing::Range(0, NumKernelTables()), TableName);

constexpr int64_t kHeadDims[] = {8, 16, 20, 24, 32, 64, 80, 128, 256};
constexpr int64_t kWindows[] = {0, 1, 3, 37, 200};
constexpr ElementType kTypes[] = {ElementType::kF32, ElementType::kBf16};

// A sequence: queries, keys and values of `num_positions`, with room between
// heads, and buffers not an element larger than the contract asks for.
class Sequence {
 public:
  Sequence(int64_t num_positions, int64_t head_dim, ElementType type)
      : num_positions_(num_positions),
        head_dim_(head_dim),
        type_(type),
        stride_(head_dim + 5),
        queries_(RandomRow(Size(), 31)),
        keys_(RandomRow(Size(), 32)),
        values_(RandomRow(Size(), 33)) {
    Narrow();
  }

  // What attention is allowed to see of bf16 is the rounded number.
  void Narrow() {
    const Kernels& kernels = KernelTable(NumKernelTables() - 1);
    if (type_ == ElementType::kF32) return;
    for (auto [wide, narrow] :
         {std::pair(&keys_, &keys16_), std::pair(&values_, &values16_)}) {
      narrow->resize(wide->size());
      kernels.narrow_to_bf16(wide->data(), Size(), narrow->data());
      kernels.widen(type_, narrow->data(), Size(), wide->data());
    }
  }

  std::vector<float>& keys() { return keys_; }
  std::vector<float>& values() { return values_; }
  size_t At(int64_t pos, int64_t d) const {
    return static_cast<size_t>(pos * stride_ + d);
  }

  // Rows first .. first + num - 1, into the same rows of `out`.
  void Attend(const Kernels& kernels, int64_t first, int64_t num,
              int64_t window, std::vector<float>* out) const {
    std::vector<float> scratch(
        static_cast<size_t>(kAttentionRows * (first + num)));
    const bool is_f32 = type_ == ElementType::kF32;
    kernels.attend({
        .query = queries_.data() + first * stride_,
        .query_stride = stride_,
        .keys =
            is_f32 ? static_cast<const void*>(keys_.data()) : keys16_.data(),
        .values = is_f32 ? static_cast<const void*>(values_.data())
                         : values16_.data(),
        .kv_stride = stride_,
        .kv_page_stride = kKvPagePositions * stride_,
        .kv_type = type_,
        .num_rows = num,
        .first_pos = first,
        .window = window,
        .head_dim = head_dim_,
        .scale = Scale(),
        .output = out->data() + first * head_dim_,
        .output_stride = head_dim_,
        .scratch = scratch.data(),
    });
  }

  // All rows, in blocks of `block`.
  std::vector<float> AttendAll(const Kernels& kernels, int64_t block,
                               int64_t window) const {
    std::vector<float> out(static_cast<size_t>(num_positions_ * head_dim_));
    for (int64_t first = 0; first < num_positions_; first += block) {
      Attend(kernels, first, std::min(block, num_positions_ - first), window,
             &out);
    }
    return out;
  }

  std::vector<double> ReferenceRow(int64_t pos, int64_t window) const {
    const int64_t begin =
        window == 0 ? 0 : std::max<int64_t>(0, pos - window + 1);
    std::vector<double> scores;
    for (int64_t p = begin; p <= pos; ++p) {
      double dot = 0;
      for (int64_t d = 0; d < head_dim_; ++d) {
        dot += double{queries_[At(pos, d)]} * keys_[At(p, d)];
      }
      scores.push_back(dot * double{Scale()});
    }
    const double max = *std::max_element(scores.begin(), scores.end());
    double total = 0;
    for (double& score : scores) total += score = std::exp(score - max);
    std::vector<double> row(static_cast<size_t>(head_dim_));
    for (int64_t p = begin; p <= pos; ++p) {
      const double weight = scores[static_cast<size_t>(p - begin)] / total;
      for (int64_t d = 0; d < head_dim_; ++d) {
        row[static_cast<size_t>(d)] += weight * values_[At(p, d)];
      }
    }
    return row;
  }

 private:
  // The last position has no room behind it.
  int64_t Size() const { return (num_positions_ - 1) * stride_ + head_dim_; }
  float Scale() const { return 1 / std::sqrt(static_cast<float>(head_dim_)); }

  const int64_t num_positions_, head_dim_;
  const ElementType type_;
  const int64_t stride_;
  const std::vector<float> queries_;
  std::vector<float> keys_, values_;
  std::vector<uint16_t> keys16_, values16_;
};

TEST_P(AttentionTest, AttendAgreesWithDouble) {
  constexpr int64_t kPositions = 290;
  WorstError worst(kernels_, "attend, 2^-24 (values of size 1)");
  for (const int64_t head_dim : kHeadDims) {
    for (const ElementType type : kTypes) {
      const Sequence sequence(kPositions, head_dim, type);
      for (const int64_t window : kWindows) {
        const auto out = sequence.AttendAll(kernels_, kPositions, window);
        for (int64_t pos = 0; pos < kPositions; pos += 17) {
          const auto want = sequence.ReferenceRow(pos, window);
          for (int64_t d = 0; d < head_dim; ++d) {
            const auto got = out[static_cast<size_t>(pos * head_dim + d)];
            worst.Add(std::fabs(got - want[static_cast<size_t>(d)]) / 0x1p-24);
          }
        }
      }
    }
  }
  EXPECT_LE(worst.worst(), 40);
}

TEST_P(AttentionTest, ARowHasTheSameBitsInAnyBlock) {
  constexpr int64_t kPositions = 267;  // two chunks of values and a part
  for (const int64_t head_dim : kHeadDims) {
    for (const ElementType type : kTypes) {
      const Sequence sequence(kPositions, head_dim, type);
      for (const int64_t window : kWindows) {
        const auto alone = sequence.AttendAll(kernels_, 1, window);
        for (const int64_t block : {2L, 3L, 7L, 64L, kPositions}) {
          EXPECT_TRUE(
              SameBits(sequence.AttendAll(kernels_, block, window), alone))
              << "head_dim " << head_dim << " window " << window << " block "
              << block;
        }
      }
    }
  }
}

TEST_P(AttentionTest, WhatARowMustNotSeeDoesNotTouchIt) {
  constexpr int64_t kPositions = 140, kWindow = 6, kHeadDim = 24;
  for (const ElementType type : kTypes) {
    Sequence sequence(kPositions, kHeadDim, type);
    const auto clean = sequence.AttendAll(kernels_, kPositions, kWindow);
    for (const int64_t poisoned : {0, 5, 127, 128, 139}) {
      Sequence damaged(kPositions, kHeadDim, type);
      damaged.keys()[damaged.At(poisoned, 3)] = NAN;
      damaged.values()[damaged.At(poisoned, 3)] = INFINITY;
      damaged.Narrow();
      const auto out = damaged.AttendAll(kernels_, kPositions, kWindow);
      for (int64_t pos = 0; pos < kPositions; ++pos) {
        const bool sees = poisoned <= pos && pos < poisoned + kWindow;
        for (int64_t d = 0; d < kHeadDim; ++d) {
          const auto i = static_cast<size_t>(pos * kHeadDim + d);
          if (sees) {
            EXPECT_TRUE(std::isnan(out[i])) << pos;
          } else {
            EXPECT_EQ(out[i], clean[i]) << pos;
          }
        }
      }
    }
  }
}

TEST(AttentionTablesTest, TablesWithFusedProductsAgreeBitwise) {
  for (const ElementType type : kTypes) {
    for (const int64_t head_dim : kHeadDims) {
      const Sequence sequence(150, head_dim, type);
      for (const int64_t window : kWindows) {
        const auto best = sequence.AttendAll(BestKernels(), 150, window);
        for (int i = 1; i < NumFusedTables(); ++i) {
          EXPECT_TRUE(
              SameBits(sequence.AttendAll(KernelTable(i), 150, window), best));
        }
      }
    }
  }
}

}  // namespace
}  // namespace revlm::engine
