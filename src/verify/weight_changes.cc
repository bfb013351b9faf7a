#include "verify/weight_changes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "verify/difference_structure.h"

namespace revlm::verify {
namespace {

using engine::kNoTensor;
using fingerprint::Matrix;

// Differences of weights below are small and above large, for words only.
constexpr double kFar = 0.3;
// A unit's length may change so much in training (deviation of its logarithm).
constexpr double kScaleSpread = 0.3;
constexpr int64_t kLatticeRows = 32;
constexpr int64_t kBlockSize = 128;

// |A - B| / |A| of rows with this cosine, where B is A and something unrelated.
double DifferenceOfCosine(double cosine) {
  if (cosine <= 0) return 1;
  return std::sqrt(std::max(0.0, 1 / (cosine * cosine) - 1));
}

double Relative(const PairDifference& difference) {
  return difference.squares_a == 0
             ? 0
             : std::sqrt(difference.squares_difference / difference.squares_a);
}

class ChangeFinder {
 public:
  ChangeFinder(const TensorPairs& pairs, const TensorComparison& comparison,
               WeightAlignment& alignment, WeightEvidence& evidence)
      : pairs_(pairs),
        comparison_(comparison),
        alignment_(alignment),
        evidence_(evidence) {}

  Status Find() {
    FindDroppedLayers();
    FindDisguise();
    MeasureDifference();
    REVLM_ASSIGN_OR_RETURN(const bool is_quantised, FindQuantisation());
    if (is_disguised_) {
      if (!is_quantised) AddTraining(evidence_.relative_difference);
      return {};
    }
    if (total_.num_changed == 0) return {};
    if (FindNumberFormat()) return {};
    const double share = FindPruning();
    // What pruning alone explains is explained.
    constexpr double kRest = 0.01;
    if (share < kRest) return {};
    return FindStructureOfRest(is_quantised);
  }

 private:
  WeightChange& Add(ChangeKind kind, Side changed) {
    evidence_.changes.push_back({.kind = kind, .changed = changed});
    return evidence_.changes.back();
  }

  void FindDroppedLayers() {
    if (!evidence_.unmatched_layers_a.empty()) {
      Add(ChangeKind::kLayersDropped, Side::kB).layers =
          evidence_.unmatched_layers_a;
    }
    if (!evidence_.unmatched_layers_b.empty()) {
      Add(ChangeKind::kLayersDropped, Side::kA).layers =
          evidence_.unmatched_layers_b;
    }
  }

  void FindDisguise() {
    bool is_permuted = alignment_.channels == ChannelMap::kPermuted ||
                       alignment_.has_permuted_heads;
    bool is_rescaled = false;
    if (const auto& units = alignment_.units; units && units->num_clear > 0) {
      is_permuted |= units->num_in_place * 2 < units->num_clear;
      is_rescaled = units->log_scale_spread > kScaleSpread;
    }
    if (is_permuted) Add(ChangeKind::kPermuted, Side::kNeither);
    if (alignment_.channels == ChannelMap::kRotated) {
      Add(ChangeKind::kRotated, Side::kNeither);
    }
    if (is_rescaled) Add(ChangeKind::kRescaled, Side::kNeither);
    is_disguised_ = is_permuted || is_rescaled ||
                    alignment_.channels == ChannelMap::kRotated;
  }

  // Of linear weights of layers as they lie. In disguise these say nothing, and
  // hidden units that were matched speak for the whole.
  void MeasureDifference() {
    std::map<int32_t, PairDifference> by_layer;
    for (size_t i = 0; i < pairs_.pairs.size(); ++i) {
      const TensorPair& pair = pairs_.pairs[i];
      if (pair.layer_a == kNoLayer ||
          alignment_.reader_a.Info(pair.tensor_a).shape.size() != 2) {
        continue;
      }
      total_.Add(comparison_.differences[i]);
      by_layer[pair.layer_a].Add(comparison_.differences[i]);
    }
    evidence_.relative_difference = Relative(total_);
    if (is_disguised_) {
      evidence_.relative_difference =
          alignment_.units ? DifferenceOfCosine(alignment_.units->mean_cosine)
                           : DifferenceOfCosine(MeanSimilarity());
      return;
    }
    for (LayerMatch& layer : evidence_.layers) {
      layer.relative_difference = Relative(by_layer[layer.layer_a]);
    }
  }

  // A form's cosine is about that of its queries times that of its keys.
  double MeanSimilarity() const {
    double sum = 0;
    for (const LayerMatch& layer : evidence_.layers) sum += layer.similarity;
    return std::sqrt(
        std::max(0.0, sum / static_cast<double>(evidence_.layers.size())));
  }

  // Three linears of the layer in the middle.
  std::vector<TensorPair> SampledPairs() const {
    const auto middle = evidence_.layers[evidence_.layers.size() / 2].layer_a;
    const engine::LayerTensors& layer =
        alignment_.reader_a.spec().layers[static_cast<size_t>(middle)];
    std::vector<TensorPair> sampled;
    for (const TensorPair& pair : pairs_.pairs) {
      if (pair.tensor_a == layer.qkv.front().weight ||
          pair.tensor_a == layer.mlp_inputs.back().weight ||
          pair.tensor_a == layer.down.weight) {
        sampled.push_back(pair);
      }
    }
    return sampled;
  }

  static Result<Matrix> ReadFirstRows(TensorReader& reader, int32_t tensor_idx,
                                      int64_t most) {
    const auto num_rows =
        static_cast<int64_t>(reader.Info(tensor_idx).shape[0]);
    std::vector<int32_t> ids(static_cast<size_t>(std::min(most, num_rows)));
    std::iota(ids.begin(), ids.end(), 0);
    return reader.ReadTableRows(tensor_idx, ids);
  }

  // The lattice that most of the sampled tensors of one side lie on.
  Result<std::optional<Lattice>> LatticeOf(Side side) {
    std::vector<Lattice> found;
    for (const TensorPair& pair : SampledPairs()) {
      TensorReader& reader =
          side == Side::kA ? alignment_.reader_a : alignment_.reader_b;
      REVLM_ASSIGN_OR_RETURN(
          const Matrix rows,
          ReadFirstRows(reader,
                        side == Side::kA ? pair.tensor_a : pair.tensor_b,
                        kLatticeRows));
      if (const auto lattice = FindLattice(rows)) found.push_back(*lattice);
    }
    for (const Lattice& lattice : found) {
      if (std::ranges::count(found, lattice) > 1) return lattice;
    }
    return std::nullopt;
  }

  Result<bool> FindQuantisation() {
    REVLM_ASSIGN_OR_RETURN(const auto lattice_a, LatticeOf(Side::kA));
    REVLM_ASSIGN_OR_RETURN(const auto lattice_b, LatticeOf(Side::kB));
    if (lattice_a == lattice_b) return false;
    if (lattice_a) AddQuantised(Side::kA, *lattice_a);
    if (lattice_b) AddQuantised(Side::kB, *lattice_b);
    return true;
  }

  void AddQuantised(Side side, const Lattice& lattice) {
    WeightChange& change = Add(ChangeKind::kQuantised, side);
    change.bits = lattice.bits;
    change.group_size = lattice.group_size;
    change.relative_size = evidence_.relative_difference;
  }

  bool FindNumberFormat() {
    const TensorPair& pair = pairs_.pairs.front();
    const formats::DType dtype_a =
        alignment_.reader_a.Info(pair.tensor_a).dtype;
    const formats::DType dtype_b =
        alignment_.reader_b.Info(pair.tensor_b).dtype;
    if (dtype_a == dtype_b) return false;
    Side changed = Side::kNeither;
    if (total_.num_rounded_in_b == total_.num_changed) changed = Side::kB;
    if (total_.num_rounded_in_a == total_.num_changed) changed = Side::kA;
    if (changed == Side::kNeither) return false;
    WeightChange& change = Add(ChangeKind::kNumberFormat, changed);
    change.number_format =
        formats::DTypeName(changed == Side::kB ? dtype_b : dtype_a);
    change.relative_size = evidence_.relative_difference;
    return true;
  }

  // The share of weights that differ and were not set to zero.
  double FindPruning() {
    const auto num = static_cast<double>(total_.num_elements);
    const double zeroed_b = static_cast<double>(total_.num_zeroed_in_b) / num;
    const double zeroed_a = static_cast<double>(total_.num_zeroed_in_a) / num;
    constexpr double kFewestZeroed = 0.02;
    const bool has_lattice =
        !evidence_.changes.empty() &&
        evidence_.changes.back().kind == ChangeKind::kQuantised;
    // A grid has a zero of its own.
    if (!has_lattice && std::max(zeroed_a, zeroed_b) >= kFewestZeroed) {
      const bool in_b = zeroed_b >= zeroed_a;
      Add(ChangeKind::kPruned, in_b ? Side::kB : Side::kA).fraction =
          std::max(zeroed_a, zeroed_b);
    }
    return static_cast<double>(total_.num_changed) / num - zeroed_a - zeroed_b;
  }

  Status FindStructureOfRest(bool is_quantised) {
    std::map<DifferenceShape, int> votes;
    int32_t rank = 0;
    for (const TensorPair& pair : SampledPairs()) {
      REVLM_ASSIGN_OR_RETURN(
          Matrix block,
          ReadFirstRows(alignment_.reader_b, pair.tensor_b, kBlockSize));
      REVLM_ASSIGN_OR_RETURN(
          const Matrix other,
          ReadFirstRows(alignment_.reader_a, pair.tensor_a, kBlockSize));
      const DifferenceStructure structure =
          FindStructure(block, other, std::min(kBlockSize, block.columns()));
      if (structure.shape != DifferenceShape::kNone) ++votes[structure.shape];
      rank = std::max(rank, structure.rank);
    }
    const int others = votes[DifferenceShape::kOther];
    if (votes[DifferenceShape::kLowRank] > others) {
      WeightChange& change = Add(ChangeKind::kLowRank, Side::kNeither);
      change.rank = rank;
      change.relative_size = evidence_.relative_difference;
    } else if (votes[DifferenceShape::kNoise] > others) {
      // Rounding to a grid looks like noise, too.
      if (!is_quantised) {
        Add(ChangeKind::kNoise, Side::kNeither).relative_size =
            evidence_.relative_difference;
      }
    } else {
      AddTraining(evidence_.relative_difference);
    }
    return {};
  }

  void AddTraining(double relative_size) {
    constexpr double kNothing = 1e-2;  // what a disguise costs in rounding
    if (is_disguised_ && relative_size < kNothing) return;
    Add(relative_size < kFar ? ChangeKind::kTrained : ChangeKind::kTrainedFar,
        Side::kNeither)
        .relative_size = relative_size;
  }

  const TensorPairs& pairs_;
  const TensorComparison& comparison_;
  WeightAlignment& alignment_;
  WeightEvidence& evidence_;
  PairDifference total_;
  bool is_disguised_ = false;
};

std::string PhraseOf(const WeightChange& change) {
  const auto percent = [](double share) {
    return fmt::format("{:.2g} %", 100 * share);
  };
  switch (change.kind) {
    case ChangeKind::kNumberFormat:
      return fmt::format("rounding to {}", change.number_format);
    case ChangeKind::kQuantised:
      return fmt::format("int{} quantisation ({})", change.bits,
                         change.group_size == 0
                             ? "whole rows"
                             : fmt::format("groups of {}", change.group_size));
    case ChangeKind::kNoise:
      return fmt::format("noise of {}", percent(change.relative_size));
    case ChangeKind::kPruned:
      return fmt::format("{} of the weights set to zero",
                         percent(change.fraction));
    case ChangeKind::kLowRank:
      return fmt::format("a low-rank change (rank {})", change.rank);
    case ChangeKind::kTrained:
      return fmt::format("fine-tuning (weights moved by {})",
                         percent(change.relative_size));
    case ChangeKind::kTrainedFar:
      return fmt::format("long training (weights moved by {})",
                         percent(change.relative_size));
    case ChangeKind::kLayersDropped:
      return fmt::format("{} {} dropped",
                         change.layers.size() == 1 ? "layer" : "layers",
                         fmt::join(change.layers, ", "));
    case ChangeKind::kPermuted:
      return "channels, heads or hidden units permuted";
    case ChangeKind::kRotated:
      return "residual stream rotated";
    case ChangeKind::kRescaled:
      return "scales moved between matrices";
  }
  return "";
}

bool IsDisguise(ChangeKind kind) {
  return kind == ChangeKind::kPermuted || kind == ChangeKind::kRotated ||
         kind == ChangeKind::kRescaled;
}

}  // namespace

bool KeepsFunction(const WeightEvidence& evidence) {
  return !evidence.changes.empty() &&
         evidence.equality.differing_settings.empty() &&
         std::ranges::all_of(evidence.changes, IsDisguise, &WeightChange::kind);
}

Status DescribeChanges(const TensorPairs& pairs,
                       const TensorComparison& comparison,
                       WeightAlignment& alignment, WeightEvidence& evidence) {
  return ChangeFinder(pairs, comparison, alignment, evidence).Find();
}

std::string ChangeSentence(const WeightSide& a, const WeightSide& b,
                           const WeightEvidence& evidence) {
  std::vector<std::string> phrases;
  const bool all_disguise = KeepsFunction(evidence);
  bool some_in_a = false;
  bool some_in_b = false;
  for (const WeightChange& change : evidence.changes) {
    phrases.push_back(PhraseOf(change));
    some_in_a |= change.changed == Side::kA;
    some_in_b |= change.changed == Side::kB;
  }
  if (phrases.empty()) {
    phrases.emplace_back(evidence.equality.differing_tensors.empty()
                             ? "no difference in layers"
                             : "little difference in layers");
  }
  std::string joined = phrases.front();
  for (size_t i = 1; i < phrases.size(); ++i) {
    joined += (i + 1 < phrases.size() ? ", " : " and ") + phrases[i];
  }
  const bool in_order = evidence.unmatched_layers_a.empty() &&
                        evidence.unmatched_layers_b.empty();
  const std::string order = in_order ? ", layers identical in order" : "";
  if (all_disguise) {
    return fmt::format("{} and {} are the same function in disguise: {}{}",
                       a.name, b.name, joined, order);
  }
  if (some_in_a != some_in_b) {
    return fmt::format("{} is {} with {}{}", some_in_b ? b.name : a.name,
                       some_in_b ? a.name : b.name, joined, order);
  }
  return fmt::format("{} and {} have one origin, with {} between them{}",
                     a.name, b.name, joined, order);
}

}  // namespace revlm::verify
