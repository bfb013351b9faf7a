#include "verify/tensor_reader.h"

#include <algorithm>
#include <numeric>

#include "base/bytes.h"
#include "base/file.h"
#include "engine/kernels.h"

namespace revlm::verify {

using engine::kNoTensor;
using fingerprint::Matrix;

namespace {

constexpr uint64_t kReadBytes = uint64_t{4} << 20;
constexpr int32_t kLargestGapRows = 32;

}  // namespace

Result<TensorReader> TensorReader::Create(const formats::Checkpoint& checkpoint,
                                          const engine::ModelSpec& spec,
                                          memory::Budget& budget) {
  TensorReader reader;
  reader.checkpoint_ = &checkpoint;
  reader.spec_ = &spec;
  reader.budget_ = &budget;
  const memory::Region region = {memory::Use::kScratch,
                                 base::UnalignedReadBytes(kReadBytes)};
  REVLM_ASSIGN_OR_RETURN(reader.buffer_,
                         memory::Arena::Map(budget, {&region, 1}));
  return reader;
}

Status TensorReader::ReadElements(const formats::TensorInfo& info,
                                  uint64_t first, std::span<float> out) {
  const uint64_t element_bytes = formats::DTypeBits(info.dtype) / 8;
  const uint64_t most = kReadBytes / element_bytes;
  for (uint64_t done = 0; done < out.size(); done += most) {
    const uint64_t count = std::min<uint64_t>(most, out.size() - done);
    REVLM_ASSIGN_OR_RETURN(
        const std::byte* stored,
        checkpoint_->file(info.file_idx)
            .ReadUnaligned(info.offset_bytes + (first + done) * element_bytes,
                           count * element_bytes, buffer_.region(0)));
    engine::BestKernels().widen(engine::WeightType(info), stored,
                                static_cast<int64_t>(count), out.data() + done);
  }
  return {};
}

Result<std::vector<float>> TensorReader::ReadVector(int32_t tensor_idx,
                                                    int64_t size) {
  std::vector<float> values(static_cast<size_t>(size), 1.0F);
  if (tensor_idx == kNoTensor) return values;
  REVLM_TRY(ReadElements(checkpoint_->tensor(tensor_idx), 0, values));
  return values;
}

Result<Matrix> TensorReader::ReadOutputs(const engine::LinearTensors& linear,
                                         int64_t first, int64_t count) {
  const formats::TensorInfo& info = checkpoint_->tensor(linear.weight);
  REVLM_ASSIGN_OR_RETURN(Matrix rows,
                         Matrix::Create(count, linear.in_features, *budget_));
  if (spec_->family->layout == engine::WeightLayout::kOutIn) {
    REVLM_TRY(ReadElements(info,
                           static_cast<uint64_t>(first * linear.in_features),
                           rows.values()));
    return rows;
  }
  if (turned_tensor_ != linear.weight) {
    turned_ = Matrix();
    turned_tensor_ = kNoTensor;
    REVLM_ASSIGN_OR_RETURN(
        Matrix stored,
        Matrix::Create(linear.in_features, linear.out_features, *budget_));
    REVLM_TRY(ReadElements(info, 0, stored.values()));
    REVLM_ASSIGN_OR_RETURN(turned_, stored.Transposed(*budget_));
    turned_tensor_ = linear.weight;
  }
  const float* from = turned_.row(first);
  std::copy(from, from + rows.values().size(), rows.values().data());
  return rows;
}

Result<Matrix> TensorReader::ReadTableRows(int32_t tensor_idx,
                                           std::span<const int32_t> ids) {
  const formats::TensorInfo& info = checkpoint_->tensor(tensor_idx);
  const auto columns = static_cast<int64_t>(info.shape[1]);
  const auto row_size = static_cast<size_t>(columns);
  REVLM_ASSIGN_OR_RETURN(
      Matrix rows,
      Matrix::Create(static_cast<int64_t>(ids.size()), columns, *budget_));
  std::vector<size_t> order(ids.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return ids[i]; });
  // Rows that lie near each other are read together with what lies between.
  const int64_t most = std::max<int64_t>(
      1, static_cast<int64_t>(kReadBytes / sizeof(float)) / columns);
  REVLM_ASSIGN_OR_RETURN(
      Matrix window,
      Matrix::Create(std::min<int64_t>(most, rows.rows()), columns, *budget_));
  for (size_t next = 0; next < order.size();) {
    const int32_t first = ids[order[next]];
    size_t end = next + 1;
    while (end < order.size() && ids[order[end]] - first < window.rows() &&
           ids[order[end]] - ids[order[end - 1]] <= kLargestGapRows) {
      ++end;
    }
    const int64_t count = ids[order[end - 1]] - first + 1;
    REVLM_TRY(ReadElements(
        info, static_cast<uint64_t>(first) * row_size,
        window.values().first(static_cast<size_t>(count) * row_size)));
    for (; next < end; ++next) {
      const float* from = window.row(ids[order[next]] - first);
      std::copy(from, from + columns,
                rows.row(static_cast<int64_t>(order[next])));
    }
  }
  return rows;
}

}  // namespace revlm::verify
