#include "verify/engine_multiplier.h"

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace revlm::verify {

using engine::OnednnProduct;
using engine::ProductShape;
using fingerprint::Matrix;

namespace {

constexpr int64_t kTileRows = 128;

}  // namespace

Status EngineMultiplier::Multiply(const Matrix& a, const Matrix& b,
                                  Matrix& out) {
  REVLM_CHECK(a.columns() == b.rows() && out.rows() == a.rows() &&
              out.columns() == b.columns());
  return Run(a, b, engine::WeightLayout::kInOut, out);
}

Status EngineMultiplier::MultiplyTransposed(const Matrix& a, const Matrix& b,
                                            Matrix& out) {
  REVLM_CHECK(a.columns() == b.columns() && out.rows() == a.rows() &&
              out.columns() == b.rows());
  return Run(a, b, engine::WeightLayout::kOutIn, out);
}

Result<const OnednnProduct*> EngineMultiplier::Compiled(
    const ProductShape& shape) {
  if (const auto found = compiled_.find(shape); found != compiled_.end()) {
    return &found->second;
  }
  REVLM_ASSIGN_OR_RETURN(OnednnProduct product, OnednnProduct::Compile(shape));
  return &compiled_.emplace(shape, std::move(product)).first->second;
}

Status EngineMultiplier::MakeRoom(uint64_t scratch_bytes) {
  if (scratch_bytes <= scratch_bytes_ && scratch_bytes_ > 0) return {};
  scratch_ = memory::Arena();
  scratch_bytes_ = std::max<uint64_t>(scratch_bytes, 1);
  const std::vector<memory::Region> regions(
      static_cast<size_t>(pool_.num_threads()),
      {memory::Use::kScratch, scratch_bytes_});
  REVLM_ASSIGN_OR_RETURN(scratch_, memory::Arena::Map(budget_, regions));
  return {};
}

Status EngineMultiplier::Run(const Matrix& a, const Matrix& b,
                             engine::WeightLayout layout, Matrix& out) {
  if (stop_.stop_requested()) {
    return base::MakeError(ErrorCode::kCancelled,
                           "multiplying matrices: stopped on request");
  }
  if (out.values().empty()) return {};
  ProductShape shape = {.rows = std::min(kTileRows, a.rows()),
                        .columns = out.columns(),
                        .k = a.columns(),
                        .weight_stride = b.columns(),
                        .layout = layout,
                        .type = engine::ElementType::kF32};
  REVLM_ASSIGN_OR_RETURN(const OnednnProduct* whole, Compiled(shape));
  const OnednnProduct* rest = whole;
  if (a.rows() % shape.rows != 0) {
    shape.rows = a.rows() % shape.rows;
    REVLM_ASSIGN_OR_RETURN(rest, Compiled(shape));
  }
  REVLM_TRY(MakeRoom(std::max(whole->scratch_bytes(), rest->scratch_bytes())));
  const int64_t num_tiles = (a.rows() + kTileRows - 1) / kTileRows;
  return pool_.TryParallelFor(num_tiles, [&](int64_t tile, int thread_idx) {
    const int64_t first = tile * kTileRows;
    const bool is_whole = first + kTileRows <= a.rows();
    return (is_whole ? whole : rest)
        ->Execute(a.row(first), b.row(0), out.row(first),
                  scratch_.region(static_cast<size_t>(thread_idx)).data());
  });
}

}  // namespace revlm::verify
