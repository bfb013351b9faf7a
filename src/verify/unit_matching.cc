#include "verify/unit_matching.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fingerprint/assignment.h"
#include "fingerprint/neuron_order.h"
#include "stats/normal.h"

namespace revlm::verify {
namespace {

using fingerprint::LayerPair;
using fingerprint::Matrix;
using fingerprint::OrderTest;

// Makes rows of unit length; returns what their lengths were.
std::vector<double> NormaliseRows(Matrix& rows) {
  std::vector<double> lengths;
  for (int64_t i = 0; i < rows.rows(); ++i) {
    double squares = 0;
    for (int64_t j = 0; j < rows.columns(); ++j) {
      squares += static_cast<double>(rows.row(i)[j]) * rows.row(i)[j];
    }
    lengths.push_back(std::sqrt(squares));
    if (squares == 0) continue;
    for (int64_t j = 0; j < rows.columns(); ++j) {
      rows.row(i)[j] = static_cast<float>(rows.row(i)[j] / lengths.back());
    }
  }
  return lengths;
}

struct Matching {
  std::vector<int32_t> order;  // the unit of b for each of a
  std::vector<float> cosines;
  std::vector<double> lengths_a;
  std::vector<double> lengths_b;
};

class UnitMatcher {
 public:
  UnitMatcher(TensorReader& a, TensorReader& b, const Projections& projections,
              memory::Budget& budget, fingerprint::Multiplier& multiplier)
      : a_(a),
        b_(b),
        projections_(projections),
        budget_(budget),
        multiplier_(multiplier) {}

  Status AddLayers(LayerPair layers) {
    const bool is_gated = a_.spec().family->gating == engine::Gating::kGated;
    REVLM_ASSIGN_OR_RETURN(const Matching by_input,
                           Match(layers, UnitVector::kLastInput));
    REVLM_ASSIGN_OR_RETURN(const Matching by_other,
                           Match(layers, is_gated ? UnitVector::kFirstInput
                                                  : UnitVector::kOutput));
    std::vector<int32_t> stored(by_input.order.size());
    std::iota(stored.begin(), stored.end(), 0);
    match_.push_back(
        fingerprint::CompareOrders(by_input.order, by_other.order));
    csu_.push_back(fingerprint::CompareOrders(by_input.order, stored));
    num_units_ += static_cast<int64_t>(stored.size());
    AddClear(by_input);
    return {};
  }

  UnitEvidence Conclude() const {
    UnitEvidence evidence = {.match = Combine(match_),
                             .csu = Combine(csu_),
                             .num_clear = num_clear_,
                             .num_in_place = num_in_place_};
    if (num_clear_ > 0) {
      const auto n = static_cast<double>(num_clear_);
      const double mean = log_scales_ / n;
      evidence.mean_cosine = cosines_ / n;
      evidence.log_scale_spread =
          std::sqrt(std::max(0.0, log_scale_squares_ / n - mean * mean));
    }
    return evidence;
  }

 private:
  Result<Matching> Match(LayerPair layers, UnitVector vector) {
    REVLM_ASSIGN_OR_RETURN(
        Matrix units_a,
        ReadUnits(a_, layers.a, vector, projections_.a, budget_, multiplier_));
    REVLM_ASSIGN_OR_RETURN(
        Matrix units_b,
        ReadUnits(b_, layers.b, vector, projections_.b, budget_, multiplier_));
    Matching matching;
    matching.lengths_a = NormaliseRows(units_a);
    matching.lengths_b = NormaliseRows(units_b);
    REVLM_ASSIGN_OR_RETURN(
        Matrix cosines,
        Matrix::Create(units_a.rows(), units_b.rows(), budget_));
    REVLM_TRY(multiplier_.MultiplyTransposed(units_a, units_b, cosines));
    for (float& cosine : cosines.values()) {
      if (!std::isfinite(cosine)) cosine = 0;  // vectors that overflowed
    }
    const auto n = static_cast<int32_t>(units_a.rows());
    matching.order = fingerprint::BestAssignment(cosines.values(), n, n);
    for (int32_t i = 0; i < n; ++i) {
      matching.cosines.push_back(
          cosines.row(i)[matching.order[static_cast<size_t>(i)]]);
    }
    return matching;
  }

  void AddClear(const Matching& matching) {
    constexpr float kClearCosine = 0.5F;
    for (size_t i = 0; i < matching.order.size(); ++i) {
      const auto match = static_cast<size_t>(matching.order[i]);
      if (matching.cosines[i] < kClearCosine) continue;
      ++num_clear_;
      cosines_ += matching.cosines[i];
      num_in_place_ += match == i ? 1 : 0;
      const double log_scale =
          std::log(matching.lengths_b[match] / matching.lengths_a[i]);
      log_scales_ += log_scale;
      log_scale_squares_ += log_scale * log_scale;
    }
  }

  std::optional<WeightTest> Combine(std::span<const OrderTest> tests) const {
    if (tests.empty()) return std::nullopt;
    WeightTest result = {.num_units = num_units_};
    std::vector<double> log_ps;
    for (const OrderTest& test : tests) {
      log_ps.push_back(test.log_p);
      result.z += test.z / std::sqrt(static_cast<double>(tests.size()));
    }
    result.log_p = fingerprint::CombineLogP(log_ps);
    return result;
  }

  TensorReader& a_;
  TensorReader& b_;
  const Projections& projections_;
  memory::Budget& budget_;
  fingerprint::Multiplier& multiplier_;
  std::vector<OrderTest> match_;
  std::vector<OrderTest> csu_;
  int64_t num_units_ = 0;
  int64_t num_clear_ = 0;
  int64_t num_in_place_ = 0;
  double cosines_ = 0;
  double log_scales_ = 0;
  double log_scale_squares_ = 0;
};

}  // namespace

size_t NumSampledUnitLayers(size_t num_layers, int64_t units_per_layer) {
  constexpr size_t kMostLayers = 8;
  constexpr int64_t kMostUnits = 12'000;
  const auto affordable =
      static_cast<size_t>(kMostUnits / std::max<int64_t>(units_per_layer, 1));
  return std::min({num_layers, kMostLayers, std::max<size_t>(affordable, 1)});
}

Result<UnitEvidence> MatchUnits(TensorReader& a, TensorReader& b,
                                std::span<const LayerPair> layers,
                                size_t num_layers,
                                const Projections& projections,
                                memory::Budget& budget,
                                fingerprint::Multiplier& multiplier) {
  UnitMatcher matcher(a, b, projections, budget, multiplier);
  for (size_t i = 0; i < num_layers; ++i) {
    REVLM_TRY(matcher.AddLayers(layers[i * layers.size() / num_layers]));
  }
  return matcher.Conclude();
}

}  // namespace revlm::verify
