#include "verify/weight_alignment.h"

#include <algorithm>
#include <cmath>

#include "verify/engine_multiplier.h"
#include "verify/shared_tokens.h"

namespace revlm::verify {
namespace {

using engine::ModelSpec;
using fingerprint::Matrix;

// Tokens that turn one model's directions onto the other's: many times those.
constexpr size_t kTokens = 4096;
constexpr int64_t kFewestDirections = 8;
constexpr int64_t kChannelBlock = 512;
// Squared cosine of channels that correspond, as a part of that of tokens.
constexpr double kClear = 0.5;

// Why heads of the two cannot be compared; empty where they can.
std::string WhyNotComparable(const WeightSide& a, const ModelSpec& spec_a,
                             const WeightSide& b, const ModelSpec& spec_b) {
  if (spec_a.hidden_size != spec_b.hidden_size) {
    return fmt::format("{} is {} wide, {} is {}", a.name, spec_a.hidden_size,
                       b.name, spec_b.hidden_size);
  }
  if (spec_a.family->norm != spec_b.family->norm) {
    return fmt::format("{} ({}) and {} ({}) have norms of different kinds",
                       a.name, spec_a.family->model_type, b.name,
                       spec_b.family->model_type);
  }
  const fingerprint::AttentionShape shape_a = AttentionShapeOf(spec_a);
  const fingerprint::AttentionShape shape_b = AttentionShapeOf(spec_b);
  if (shape_a != shape_b) {
    const auto text = [](const fingerprint::AttentionShape& shape) {
      return fmt::format("{} heads ({} of keys) of {}, {} rotated",
                         shape.num_heads, shape.num_kv_heads, shape.head_dim,
                         shape.rotary_dim);
    };
    return fmt::format("{} has {}, {} has {}", a.name, text(shape_a), b.name,
                       text(shape_b));
  }
  if (shape_b.num_kv_heads == 1 && spec_b.num_layers == 1) {
    return fmt::format("{} has a single key head: nothing to compare it with",
                       b.name);
  }
  if (a.tokenizer == nullptr || b.tokenizer == nullptr) {
    return "without both tokenizers it is not known which tokens they share";
  }
  return "";
}

double SquaresOf(const float* row, int64_t size) {
  double squares = 0;
  for (int64_t i = 0; i < size; ++i) {
    squares += static_cast<double>(row[i]) * row[i];
  }
  return squares;
}

// Whether each channel of a lies in the directions as one of b does, and which.
Result<ChannelMap> KindOfMap(const Projections& projections,
                             memory::Budget& budget,
                             fingerprint::Multiplier& multiplier) {
  const Matrix& a = projections.a;
  const Matrix& b = projections.b;
  const double clear = kClear * projections.agreement * projections.agreement;
  std::vector<double> squares_b;
  for (int64_t j = 0; j < b.rows(); ++j) {
    squares_b.push_back(SquaresOf(b.row(j), b.columns()));
  }
  REVLM_ASSIGN_OR_RETURN(Matrix part,
                         Matrix::Create(kChannelBlock, a.columns(), budget));
  REVLM_ASSIGN_OR_RETURN(Matrix products,
                         Matrix::Create(kChannelBlock, b.rows(), budget));
  int64_t num_clear = 0;
  int64_t num_in_place = 0;
  for (int64_t first = 0; first < a.rows(); first += kChannelBlock) {
    const int64_t count = std::min(kChannelBlock, a.rows() - first);
    part.Shrink(count);
    products.Shrink(count);
    std::copy(a.row(first), a.row(first + count), part.row(0));
    REVLM_TRY(multiplier.MultiplyTransposed(part, b, products));
    for (int64_t i = 0; i < count; ++i) {
      int64_t nearest = 0;
      double largest = 0;  // squared cosine, times the squares of the row of a
      for (int64_t j = 0; j < b.rows(); ++j) {
        const double product = products.row(i)[j];
        const double value =
            product * product / squares_b[static_cast<size_t>(j)];
        if (value > largest) {
          nearest = j;
          largest = value;
        }
      }
      if (largest == 0 ||
          largest < clear * SquaresOf(part.row(i), part.columns())) {
        continue;
      }
      ++num_clear;
      num_in_place +=
          nearest == first + i && products.row(i)[nearest] > 0 ? 1 : 0;
    }
  }
  constexpr double kNearlyAll = 0.95;
  const double enough = kNearlyAll * static_cast<double>(a.rows());
  if (static_cast<double>(num_clear) < enough) return ChannelMap::kRotated;
  return static_cast<double>(num_in_place) < enough ? ChannelMap::kPermuted
                                                    : ChannelMap::kInPlace;
}

bool HavePermutedHeads(const fingerprint::RelationTest& test) {
  constexpr double kClearSimilarity = 0.25;  // below, matches may be chance
  for (const fingerprint::MatchedLayers& layers : test.layers) {
    if (layers.similarity < kClearSimilarity) continue;
    for (size_t i = 0; i < layers.heads.size(); ++i) {
      if (layers.heads[i] != static_cast<int32_t>(i)) return true;
    }
  }
  return false;
}

}  // namespace

Result<std::variant<std::string, WeightAlignment>> AlignWeights(
    const WeightSide& a, const ModelSpec& spec_a, const WeightSide& b,
    const ModelSpec& spec_b, engine::ThreadPool& pool, memory::Budget& budget,
    const WeightOptions& options) {
  if (std::string reason = WhyNotComparable(a, spec_a, b, spec_b);
      !reason.empty()) {
    return reason;
  }
  const auto width = static_cast<size_t>(spec_a.hidden_size);
  const SharedTokens tokens =
      FindSharedTokens(*a.tokenizer, spec_a.vocab_size, *b.tokenizer,
                       spec_b.vocab_size, std::max(kTokens, width));
  if (tokens.size() < width) {
    return fmt::format(
        "{} and {} share {} tokens; {} are needed to align {} channels", a.name,
        b.name, tokens.size(), width, width);
  }
  REVLM_ASSIGN_OR_RETURN(TensorReader reader_a,
                         TensorReader::Create(*a.checkpoint, spec_a, budget));
  REVLM_ASSIGN_OR_RETURN(TensorReader reader_b,
                         TensorReader::Create(*b.checkpoint, spec_b, budget));
  WeightAlignment result = {.reader_a = std::move(reader_a),
                            .reader_b = std::move(reader_b)};
  EngineMultiplier multiplier(pool, budget, options.stop);
  REVLM_ASSIGN_OR_RETURN(const Projections projections,
                         MakeProjections(result.reader_a, result.reader_b,
                                         tokens, budget, multiplier));
  if (projections.b.columns() < kFewestDirections) {
    return fmt::format("the embeddings of {} span {} directions, {} are needed",
                       b.name, projections.b.columns(), kFewestDirections);
  }
  REVLM_ASSIGN_OR_RETURN(result.channels,
                         KindOfMap(projections, budget, multiplier));
  {
    REVLM_ASSIGN_OR_RETURN(
        const HeadPair heads,
        ReadHeads(result.reader_a, result.reader_b, projections, options.seed,
                  budget, multiplier));
    REVLM_ASSIGN_OR_RETURN(
        result.test, fingerprint::TestRelation(heads.shape, heads.a, heads.b,
                                               budget, multiplier));
  }
  result.has_permuted_heads = HavePermutedHeads(result.test);
  if (spec_a.intermediate_size == spec_b.intermediate_size &&
      spec_a.family->gating == spec_b.family->gating) {
    std::vector<fingerprint::LayerPair> layers;
    for (const fingerprint::MatchedLayers& matched : result.test.layers) {
      layers.push_back(matched.layers);
    }
    const size_t num_layers =
        options.full_matching
            ? layers.size()
            : NumSampledUnitLayers(layers.size(), spec_a.intermediate_size);
    REVLM_ASSIGN_OR_RETURN(
        result.units, MatchUnits(result.reader_a, result.reader_b, layers,
                                 num_layers, projections, budget, multiplier));
  }
  return result;
}

}  // namespace revlm::verify
