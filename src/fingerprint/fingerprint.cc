#include "fingerprint/fingerprint.h"

#include <algorithm>
#include <cmath>

#include "fingerprint/alignment.h"

namespace revlm::fingerprint {
namespace {

// `count` depths from 0 to num_layers, evenly spaced.
std::vector<uint32_t> EvenDepths(uint32_t num_layers, uint32_t count) {
  std::vector<uint32_t> depths;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t scaled = uint64_t{num_layers} * i * 2 + (count - 1);
    depths.push_back(static_cast<uint32_t>(scaled / (2 * (count - 1))));
  }
  return depths;
}

PositionPairs CommonPositions(const Fingerprint& a, const Fingerprint& b) {
  PositionPairs pairs;
  for (size_t i = 0; i < std::min(a.row_of.size(), b.row_of.size()); ++i) {
    if (a.row_of[i] == kMissing || b.row_of[i] == kMissing) continue;
    pairs.a.push_back(static_cast<uint32_t>(a.row_of[i]));
    pairs.b.push_back(static_cast<uint32_t>(b.row_of[i]));
  }
  return pairs;
}

double RelativeDepth(const Fingerprint& of, size_t sketch_idx) {
  return static_cast<double>(of.depths[sketch_idx]) /
         static_cast<double>(std::max(of.model.num_layers, 1u));
}

// The sketch of `b` whose relative depth is nearest to that of a's.
size_t NearestSketch(const Fingerprint& a, size_t sketch_idx,
                     const Fingerprint& b) {
  const double wanted = RelativeDepth(a, sketch_idx);
  size_t nearest = 0;
  for (size_t i = 1; i < b.depths.size(); ++i) {
    if (std::abs(RelativeDepth(b, i) - wanted) <
        std::abs(RelativeDepth(b, nearest) - wanted)) {
      nearest = i;
    }
  }
  return nearest;
}

void FindWhereTheyPart(const Fingerprint& a, const Fingerprint& b,
                       StateSimilarity& similarity) {
  if (a.model.num_layers != b.model.num_layers) return;
  const size_t count = std::min(a.state_sha256.size(), b.state_sha256.size());
  for (size_t i = 0; i < count && !similarity.first_other_bits; ++i) {
    if (a.state_sha256[i] == b.state_sha256[i]) continue;
    similarity.first_other_bits = static_cast<uint32_t>(i);
  }
  for (const DepthSimilarity& depth : similarity.depths) {
    if (depth.cka >= kStillTogether) continue;
    similarity.first_apart = depth.depth_a;
    break;
  }
}

}  // namespace

Brief BriefOf(const Fingerprint& fingerprint) {
  return {.tensor_root = fingerprint.model.tensor_root,
          .challenge_sha256 = fingerprint.challenge_sha256,
          .hypervector = fingerprint.hypervector,
          .weights = fingerprint.weights};
}

std::vector<uint32_t> SketchedDepths(uint32_t num_layers) {
  return EvenDepths(num_layers,
                    std::max(2u, std::min(num_layers + 1, kMaxDepths)));
}

std::vector<uint32_t> HypervectorDepths(uint32_t num_layers) {
  return EvenDepths(num_layers, kHypervectorDepths);
}

std::optional<double> CompareHypervectors(const Brief& a, const Brief& b) {
  if (a.challenge_sha256 != b.challenge_sha256) return std::nullopt;
  return static_cast<double>(HammingDistance(a.hypervector, b.hypervector)) /
         static_cast<double>(kHypervectorBits);
}

std::optional<StateSimilarity> CompareStates(const Fingerprint& a,
                                             const Fingerprint& b) {
  if (a.challenge_sha256 != b.challenge_sha256) return std::nullopt;
  const PositionPairs positions = CommonPositions(a, b);
  StateSimilarity similarity;
  similarity.num_positions = static_cast<uint32_t>(positions.a.size());
  double sum = 0;
  for (size_t i = 0; i < a.states.size(); ++i) {
    const size_t j = NearestSketch(a, i, b);
    const auto cka = UnbiasedCka(a.states[i], b.states[j], positions);
    similarity.depths.push_back({a.depths[i], b.depths[j], cka.value_or(0.0)});
    sum += cka.value_or(0.0);
  }
  similarity.mean_cka =
      sum / static_cast<double>(std::max<size_t>(a.states.size(), 1));
  FindWhereTheyPart(a, b, similarity);
  return similarity;
}

}  // namespace revlm::fingerprint
