#include "verify/relation_reader.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/random.h"
#include "fingerprint/residual_map.h"

namespace revlm::verify {
namespace {

using engine::HeadPlacement;
using engine::LinearTensors;
using engine::ModelSpec;
using fingerprint::LayerHeads;
using fingerprint::Matrix;
using fingerprint::Multiplier;

constexpr size_t kTokenBlock = 1024;
constexpr int64_t kUnitBlock = 512;

void ScaleColumns(std::span<const float> gains, Matrix& rows) {
  for (int64_t i = 0; i < rows.rows(); ++i) {
    for (int64_t j = 0; j < rows.columns(); ++j) {
      rows.row(i)[j] *= gains[static_cast<size_t>(j)];
    }
  }
}

// LayerNorm takes the mean off what it reads: what a row has along the ones
// does nothing.
void CentreRows(const ModelSpec& spec, Matrix& rows) {
  if (spec.family->norm != engine::NormKind::kLayer) return;
  for (int64_t i = 0; i < rows.rows(); ++i) {
    double sum = 0;
    for (int64_t j = 0; j < rows.columns(); ++j) sum += rows.row(i)[j];
    const auto mean =
        static_cast<float>(sum / static_cast<double>(rows.columns()));
    for (int64_t j = 0; j < rows.columns(); ++j) rows.row(i)[j] -= mean;
  }
}

Result<Matrix> ReadEmbeddings(TensorReader& reader,
                              std::span<const int32_t> ids) {
  REVLM_ASSIGN_OR_RETURN(Matrix rows,
                         reader.ReadTableRows(reader.spec().embedding, ids));
  CentreRows(reader.spec(), rows);
  return rows;
}

// Rows of the head with the gains of the last norm folded in.
Result<Matrix> ReadUnembeddings(TensorReader& reader,
                                std::span<const float> gains,
                                std::span<const int32_t> ids) {
  REVLM_ASSIGN_OR_RETURN(Matrix rows,
                         reader.ReadTableRows(reader.spec().head, ids));
  ScaleColumns(gains, rows);
  CentreRows(reader.spec(), rows);
  return rows;
}

// So that tables are read from their first row to their last.
SharedTokens SortedById(const SharedTokens& tokens) {
  std::vector<std::pair<int32_t, int32_t>> ids;
  for (size_t i = 0; i < tokens.size(); ++i) {
    ids.emplace_back(tokens.ids_a[i], tokens.ids_b[i]);
  }
  std::ranges::sort(ids);
  SharedTokens sorted;
  for (const auto& [id_a, id_b] : ids) {
    sorted.ids_a.push_back(id_a);
    sorted.ids_b.push_back(id_b);
  }
  return sorted;
}

// A basis of what the embeddings of the first tokens span.
Result<Matrix> ReadBasis(TensorReader& reader, std::span<const int32_t> ids,
                         memory::Budget& budget) {
  const int64_t directions =
      std::min(kMostDirections, reader.spec().hidden_size);
  const size_t num_tokens =
      std::min(ids.size(), static_cast<size_t>(directions) * 4);
  REVLM_ASSIGN_OR_RETURN(const Matrix rows,
                         ReadEmbeddings(reader, ids.first(num_tokens)));
  return fingerprint::TokenBasis(rows, directions, budget);
}

Result<Matrix> Projected(const Matrix& rows, const Matrix& basis,
                         memory::Budget& budget, Multiplier& multiplier) {
  REVLM_ASSIGN_OR_RETURN(Matrix projected,
                         Matrix::Create(rows.rows(), basis.columns(), budget));
  REVLM_TRY(multiplier.Multiply(rows, basis, projected));
  return projected;
}

// M of residual_map.h for rows over the bases.
Result<Matrix> ReadMoments(TensorReader& a, const Matrix& basis_a,
                           TensorReader& b, const Matrix& basis_b,
                           const SharedTokens& tokens, memory::Budget& budget,
                           Multiplier& multiplier) {
  REVLM_ASSIGN_OR_RETURN(
      const std::vector<float> gains_a,
      a.ReadVector(a.spec().final_norm.weight, a.spec().hidden_size));
  REVLM_ASSIGN_OR_RETURN(
      const std::vector<float> gains_b,
      b.ReadVector(b.spec().final_norm.weight, b.spec().hidden_size));
  REVLM_ASSIGN_OR_RETURN(
      Matrix total,
      Matrix::Create(basis_a.columns(), basis_b.columns(), budget));
  const SharedTokens sorted = SortedById(tokens);
  for (const bool is_head : {false, true}) {
    REVLM_ASSIGN_OR_RETURN(fingerprint::TokenMoments moments,
                           fingerprint::TokenMoments::Create(
                               basis_a.columns(), basis_b.columns(), budget));
    for (size_t first = 0; first < tokens.size(); first += kTokenBlock) {
      const size_t count = std::min(kTokenBlock, tokens.size() - first);
      const auto read = [&](TensorReader& reader, std::span<const float> gains,
                            std::span<const int32_t> ids,
                            const Matrix& basis) -> Result<Matrix> {
        REVLM_ASSIGN_OR_RETURN(
            const Matrix rows,
            is_head ? ReadUnembeddings(reader, gains, ids.subspan(first, count))
                    : ReadEmbeddings(reader, ids.subspan(first, count)));
        return Projected(rows, basis, budget, multiplier);
      };
      REVLM_ASSIGN_OR_RETURN(const Matrix rows_a,
                             read(a, gains_a, sorted.ids_a, basis_a));
      REVLM_ASSIGN_OR_RETURN(const Matrix rows_b,
                             read(b, gains_b, sorted.ids_b, basis_b));
      REVLM_TRY(moments.Add(rows_a, rows_b, budget, multiplier));
    }
    moments.AddTo(total);
  }
  return total;
}

constexpr double kNumTables = 2;  // embeddings and unembeddings

// The linear among q, k and v that has an output row, and the row's place in
// it.
std::pair<const LinearTensors*, int64_t> FindOutput(
    std::span<const LinearTensors> linears, int64_t row) {
  for (const LinearTensors& linear : linears) {
    if (row < linear.out_features) return {&linear, row};
    row -= linear.out_features;
  }
  return {nullptr, 0};
}

int64_t CountRows(std::span<const HeadRows> sample) {
  int64_t count = 0;
  for (const HeadRows& rows : sample) count += rows.count;
  return count;
}

// The directions as rows see them that read the stream after a norm: its gains
// folded in and, for LayerNorm, the mean over channels taken off.
Result<Matrix> BehindNorm(TensorReader& reader, const engine::NormTensors& norm,
                          const Matrix& projection, memory::Budget& budget) {
  const int64_t width = projection.rows();
  REVLM_ASSIGN_OR_RETURN(const std::vector<float> gains,
                         reader.ReadVector(norm.weight, width));
  std::vector<double> means(static_cast<size_t>(projection.columns()), 0.0);
  if (reader.spec().family->norm == engine::NormKind::kLayer) {
    for (int64_t i = 0; i < width; ++i) {
      for (size_t j = 0; j < means.size(); ++j) {
        means[j] += projection.row(i)[j] / static_cast<double>(width);
      }
    }
  }
  REVLM_ASSIGN_OR_RETURN(Matrix result,
                         Matrix::Create(width, projection.columns(), budget));
  for (int64_t i = 0; i < width; ++i) {
    for (size_t j = 0; j < means.size(); ++j) {
      result.row(i)[j] = static_cast<float>((projection.row(i)[j] - means[j]) *
                                            gains[static_cast<size_t>(i)]);
    }
  }
  return result;
}

// The rows that are read of all heads of one kind, over the directions of
// `projection`.
Result<Matrix> ReadProjected(TensorReader& reader, int64_t layer,
                             const HeadPlacement& placement, int64_t num_heads,
                             std::span<const float> head_gains,
                             std::span<const HeadRows> sample,
                             const Matrix& projection, memory::Budget& budget,
                             Multiplier& multiplier) {
  const ModelSpec& spec = reader.spec();
  const engine::LayerTensors& tensors = spec.layers[static_cast<size_t>(layer)];
  REVLM_ASSIGN_OR_RETURN(
      const std::vector<float> gains,
      reader.ReadVector(tensors.attention_norm.weight, spec.hidden_size));
  REVLM_ASSIGN_OR_RETURN(
      Matrix rows,
      Matrix::Create(num_heads * CountRows(sample), spec.hidden_size, budget));
  std::vector<float> row_gains;
  for (int64_t head = 0; head < num_heads; ++head) {
    const auto [linear, first] =
        FindOutput(tensors.qkv, placement.first + head * placement.step);
    for (const HeadRows& run : sample) {
      REVLM_ASSIGN_OR_RETURN(
          const Matrix part,
          reader.ReadOutputs(*linear, first + run.first, run.count));
      std::ranges::copy(part.values(),
                        rows.row(static_cast<int64_t>(row_gains.size())));
      const auto of_run = head_gains.subspan(static_cast<size_t>(run.first),
                                             static_cast<size_t>(run.count));
      row_gains.insert(row_gains.end(), of_run.begin(), of_run.end());
    }
  }
  REVLM_ASSIGN_OR_RETURN(Matrix result,
                         Projected(rows, projection, budget, multiplier));
  for (int64_t i = 0; i < result.rows(); ++i) {
    for (int64_t j = 0; j < result.columns(); ++j) {
      result.row(i)[j] *= row_gains[static_cast<size_t>(i)];
    }
  }
  return result;
}

Result<std::vector<LayerHeads>> ReadSide(
    TensorReader& reader, const Matrix& projection,
    std::span<const HeadRows> sample, const fingerprint::AttentionShape& shape,
    memory::Budget& budget, Multiplier& multiplier) {
  const ModelSpec& spec = reader.spec();
  std::vector<LayerHeads> layers;
  for (int64_t i = 0; i < spec.num_layers; ++i) {
    const engine::LayerTensors& tensors = spec.layers[static_cast<size_t>(i)];
    REVLM_ASSIGN_OR_RETURN(
        const std::vector<float> query_gains,
        reader.ReadVector(tensors.query_norm.weight, spec.head_dim));
    REVLM_ASSIGN_OR_RETURN(
        const std::vector<float> key_gains,
        reader.ReadVector(tensors.key_norm.weight, spec.head_dim));
    REVLM_ASSIGN_OR_RETURN(
        const Matrix behind_norm,
        BehindNorm(reader, tensors.attention_norm, projection, budget));
    LayerHeads heads;
    REVLM_ASSIGN_OR_RETURN(
        heads.queries,
        ReadProjected(reader, i, spec.query, spec.num_heads, query_gains,
                      sample, behind_norm, budget, multiplier));
    REVLM_ASSIGN_OR_RETURN(
        heads.keys,
        ReadProjected(reader, i, spec.key, spec.num_kv_heads, key_gains, sample,
                      behind_norm, budget, multiplier));
    fingerprint::NormaliseHeads(shape, heads);
    layers.push_back(std::move(heads));
  }
  return layers;
}

// result[unit] = sum over channels of down[channel][unit] projection[channel].
Status ReadUnitOutputs(TensorReader& reader, const LinearTensors& down,
                       const Matrix& projection, memory::Budget& budget,
                       Multiplier& multiplier, Matrix& result) {
  for (int64_t first = 0; first < down.out_features; first += kUnitBlock) {
    const int64_t count = std::min(kUnitBlock, down.out_features - first);
    REVLM_ASSIGN_OR_RETURN(const Matrix rows,
                           reader.ReadOutputs(down, first, count));
    REVLM_ASSIGN_OR_RETURN(const Matrix turned, rows.Transposed(budget));
    REVLM_ASSIGN_OR_RETURN(Matrix part,
                           Matrix::Create(count, projection.columns(), budget));
    std::copy(projection.row(first), projection.row(first + count),
              part.values().data());
    REVLM_ASSIGN_OR_RETURN(
        Matrix added, Matrix::Create(result.rows(), result.columns(), budget));
    REVLM_TRY(multiplier.Multiply(turned, part, added));
    for (size_t i = 0; i < added.values().size(); ++i) {
      result.values()[i] += added.values()[i];
    }
  }
  return {};
}

}  // namespace

fingerprint::AttentionShape AttentionShapeOf(const ModelSpec& spec) {
  return {.num_heads = spec.num_heads,
          .num_kv_heads = spec.num_kv_heads,
          .head_dim = spec.head_dim,
          .rotary_dim = spec.rope.rotary_dim()};
}

Result<Projections> MakeProjections(TensorReader& a, TensorReader& b,
                                    const SharedTokens& tokens,
                                    memory::Budget& budget,
                                    Multiplier& multiplier) {
  Projections projections;
  REVLM_ASSIGN_OR_RETURN(projections.b, ReadBasis(b, tokens.ids_b, budget));
  REVLM_ASSIGN_OR_RETURN(const Matrix basis_a,
                         ReadBasis(a, tokens.ids_a, budget));
  REVLM_ASSIGN_OR_RETURN(
      const Matrix moments,
      ReadMoments(a, basis_a, b, projections.b, tokens, budget, multiplier));
  REVLM_ASSIGN_OR_RETURN(
      Matrix start, Matrix::Create(moments.rows(), moments.columns(), budget));
  std::ranges::copy(moments.values(), start.values().begin());
  // Rows over the basis of a, turned by this, fall on those of b.
  REVLM_ASSIGN_OR_RETURN(
      const Matrix turn,
      fingerprint::SoftPolar(std::move(start), budget, multiplier));
  for (size_t i = 0; i < turn.values().size(); ++i) {
    projections.agreement +=
        double{turn.values()[i]} * moments.values()[i] / kNumTables;
  }
  REVLM_ASSIGN_OR_RETURN(
      projections.a, Matrix::Create(basis_a.rows(), turn.columns(), budget));
  REVLM_TRY(multiplier.Multiply(basis_a, turn, projections.a));
  return projections;
}

std::vector<HeadRows> SampleHeadRows(const fingerprint::AttentionShape& shape,
                                     uint64_t seed) {
  const int64_t num_pairs = shape.rotary_dim / 2;
  if (num_pairs <= kMostPairs) return {{0, shape.head_dim}};
  constexpr int64_t kRuns = 4;
  constexpr int64_t kRunPairs = kMostPairs / kRuns;
  std::vector<HeadRows> rows;
  for (int64_t i = 0; i < kRuns; ++i) {
    const int64_t begin = i * num_pairs / kRuns;
    const int64_t end = (i + 1) * num_pairs / kRuns;
    const auto places = static_cast<uint64_t>(end - begin - kRunPairs + 1);
    const auto place = static_cast<int64_t>(
        base::RandomBits(seed, static_cast<uint64_t>(i)) % places);
    rows.push_back({begin + place, kRunPairs});
  }
  for (size_t i = 0; i < kRuns; ++i) {  // the second rows of these pairs
    rows.push_back({rows[i].first + num_pairs, kRunPairs});
  }
  if (shape.head_dim > shape.rotary_dim) {
    rows.push_back({shape.rotary_dim, shape.head_dim - shape.rotary_dim});
  }
  return rows;
}

Result<HeadPair> ReadHeads(TensorReader& a, TensorReader& b,
                           const Projections& projections, uint64_t seed,
                           memory::Budget& budget, Multiplier& multiplier) {
  HeadPair heads;
  heads.shape = AttentionShapeOf(a.spec());
  const std::vector<HeadRows> sample = SampleHeadRows(heads.shape, seed);
  const int64_t num_left_out = heads.shape.head_dim - CountRows(sample);
  heads.shape.head_dim -= num_left_out;
  heads.shape.rotary_dim -= num_left_out;
  REVLM_ASSIGN_OR_RETURN(heads.a, ReadSide(a, projections.a, sample,
                                           heads.shape, budget, multiplier));
  REVLM_ASSIGN_OR_RETURN(heads.b, ReadSide(b, projections.b, sample,
                                           heads.shape, budget, multiplier));
  REVLM_ASSIGN_OR_RETURN(
      const Matrix whitening,
      fingerprint::MakeWhitening(heads.a, heads.b, budget, multiplier));
  for (auto* side : {&heads.a, &heads.b}) {
    for (LayerHeads& layer : *side) {
      REVLM_TRY(fingerprint::Whiten(whitening, layer, budget, multiplier));
    }
  }
  return heads;
}

Result<Matrix> ReadUnits(TensorReader& reader, int32_t layer, UnitVector vector,
                         const Matrix& projection, memory::Budget& budget,
                         Multiplier& multiplier) {
  const ModelSpec& spec = reader.spec();
  const engine::LayerTensors& tensors = spec.layers[static_cast<size_t>(layer)];
  REVLM_ASSIGN_OR_RETURN(
      Matrix result,
      Matrix::Create(spec.intermediate_size, projection.columns(), budget));
  if (vector == UnitVector::kOutput) {
    REVLM_TRY(ReadUnitOutputs(reader, tensors.down, projection, budget,
                              multiplier, result));
    return result;
  }
  const LinearTensors& linear = vector == UnitVector::kFirstInput
                                    ? tensors.mlp_inputs.front()
                                    : tensors.mlp_inputs.back();
  REVLM_ASSIGN_OR_RETURN(
      const Matrix behind_norm,
      BehindNorm(reader, tensors.mlp_norm, projection, budget));
  for (int64_t first = 0; first < spec.intermediate_size; first += kUnitBlock) {
    const int64_t count = std::min(kUnitBlock, spec.intermediate_size - first);
    REVLM_ASSIGN_OR_RETURN(const Matrix rows,
                           reader.ReadOutputs(linear, first, count));
    REVLM_ASSIGN_OR_RETURN(const Matrix projected,
                           Projected(rows, behind_norm, budget, multiplier));
    std::ranges::copy(projected.values(), result.row(first));
  }
  return result;
}

}  // namespace revlm::verify
