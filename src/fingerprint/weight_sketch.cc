#include "fingerprint/weight_sketch.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/random.h"
#include "crypto/sha256.h"

namespace revlm::fingerprint {
namespace {

constexpr uint64_t kUnitSeed = 0x756e697473;  // frozen: the order of units
constexpr size_t kWordsPerRow = kRowBits / 64;

// What is known of a token: its signs, then its rank; frozen.
crypto::Sha256Digest DigestOf(std::string_view token) {
  crypto::Sha256Hasher hasher;
  hasher.Update(base::AsBytes("revlm/token-signs/v1\n"));
  hasher.Update(base::AsBytes(token));
  return hasher.Finish();
}

RowBits TokenSigns(std::string_view token) {
  const crypto::Sha256Digest digest = DigestOf(token);
  RowBits signs;
  for (size_t i = 0; i < signs.size(); ++i) {
    signs[i] = base::LoadUnaligned<uint64_t>(digest.data() + i * 8);
  }
  return signs;
}

uint32_t RowsOf(std::span<const Unit> units) {
  return std::accumulate(
      units.begin(), units.end(), uint32_t{0},
      [](uint32_t sum, const Unit& unit) { return sum + unit.num_rows(); });
}

uint32_t UnitsThatFit(const HeadShape& shape, uint64_t num_heads) {
  const std::vector<Unit> units = UnitsOf(shape);
  uint64_t rows = 0;
  uint32_t count = 0;
  for (const Unit& unit : units) {
    rows += unit.num_rows() * num_heads;
    if (count > 0 && rows > kMaxSketchRows) break;
    ++count;
  }
  return count;
}

}  // namespace

std::vector<Unit> UnitsOf(const HeadShape& shape) {
  std::vector<Unit> units;
  for (uint32_t i = 0; i < shape.rotary_dim / 2; ++i) {
    units.push_back({i, i + shape.rotary_dim / 2});
  }
  for (uint32_t i = shape.rotary_dim; i < shape.head_dim; ++i) {
    units.push_back({i, i});
  }
  for (size_t i = 0; i + 1 < units.size(); ++i) {
    const uint64_t drawn = base::RandomBits(kUnitSeed, i) % (units.size() - i);
    std::swap(units[i], units[i + drawn]);
  }
  return units;
}

WeightSketch::WeightSketch(const HeadShape& shape, uint32_t num_layers,
                           uint32_t num_key_heads, uint32_t units_per_head,
                           std::vector<uint64_t> bits)
    : shape_(shape),
      num_layers_(num_layers),
      num_key_heads_(num_key_heads),
      units_(UnitsOf(shape)),
      bits_(std::move(bits)) {
  REVLM_CHECK(units_per_head <= units_.size());
  units_.resize(units_per_head);
  for (const Unit& unit : units_) {
    rows_.push_back(unit.first);
    if (unit.num_rows() == 2) rows_.push_back(unit.second);
  }
  REVLM_CHECK(bits_.size() ==
              NumWords(shape, num_layers, num_key_heads, units_per_head));
}

WeightSketch::WeightSketch(const HeadShape& shape, uint32_t num_layers,
                           uint32_t num_key_heads) {
  const uint64_t num_heads =
      uint64_t{num_layers} * num_key_heads * (1 + shape.queries_per_key);
  const uint32_t num_units = UnitsThatFit(shape, num_heads);
  const uint64_t num_words =
      NumWords(shape, num_layers, num_key_heads, num_units);
  *this = WeightSketch(shape, num_layers, num_key_heads, num_units,
                       std::vector<uint64_t>(num_words, 0));
}

uint64_t WeightSketch::NumWords(const HeadShape& shape, uint32_t num_layers,
                                uint32_t num_key_heads,
                                uint32_t units_per_head) {
  std::vector<Unit> units = UnitsOf(shape);
  units.resize(std::min<size_t>(units.size(), units_per_head));
  return uint64_t{num_layers} * num_key_heads * (1 + shape.queries_per_key) *
         RowsOf(units) * kWordsPerRow;
}

size_t WeightSketch::PlaceOf(uint32_t layer, uint32_t key_head, uint32_t head,
                             size_t row) const {
  const size_t heads = 1 + shape_.queries_per_key;
  return (((size_t{layer} * num_key_heads_ + key_head) * heads + head) *
              rows_.size() +
          row) *
         kWordsPerRow;
}

std::span<const uint64_t> WeightSketch::HeadBits(uint32_t layer,
                                                 uint32_t key_head,
                                                 uint32_t head) const {
  return std::span(bits_).subspan(PlaceOf(layer, key_head, head, 0),
                                  rows_.size() * kWordsPerRow);
}

RowBits WeightSketch::Get(uint32_t layer, uint32_t key_head, uint32_t head,
                          size_t row) const {
  RowBits bits;
  std::copy_n(bits_.begin() + static_cast<std::ptrdiff_t>(
                                  PlaceOf(layer, key_head, head, row)),
              kWordsPerRow, bits.begin());
  return bits;
}

void WeightSketch::Put(uint32_t layer, uint32_t key_head, uint32_t head,
                       size_t row, const RowBits& bits) {
  std::ranges::copy(bits, bits_.begin() + static_cast<std::ptrdiff_t>(PlaceOf(
                                              layer, key_head, head, row)));
}

bool WeightSketch::operator==(const WeightSketch& other) const {
  return shape_ == other.shape_ && num_layers_ == other.num_layers_ &&
         num_key_heads_ == other.num_key_heads_ && rows_ == other.rows_ &&
         bits_ == other.bits_;
}

uint64_t RankOf(std::string_view token) {
  return base::LoadUnaligned<uint64_t>(DigestOf(token).data() +
                                       sizeof(RowBits));
}

TokenFrame::TokenFrame(size_t width)
    : width_(width), sums_(width * kRowBits, 0.0), embedding_sum_(width, 0.0) {}

void TokenFrame::Add(std::string_view token, std::span<const float> embedding) {
  REVLM_CHECK(embedding.size() == width_);
  const RowBits bits = TokenSigns(token);
  std::array<double, kRowBits> signs;
  for (size_t k = 0; k < kRowBits; ++k) {
    signs[k] = ((bits[k / 64] >> (k % 64)) & 1) != 0 ? 1.0 : -1.0;
    sign_sum_[k] += signs[k];
  }
  ++num_tokens_;
  for (size_t j = 0; j < width_; ++j) {
    const double value = static_cast<double>(embedding[j]);
    embedding_sum_[j] += value;
    double* const out = sums_.data() + j * kRowBits;
    for (size_t k = 0; k < kRowBits; ++k) out[k] += signs[k] * value;
  }
}

std::vector<float> TokenFrame::Projection(std::span<const float> gain,
                                          Centring centring) const {
  REVLM_CHECK(gain.empty() || gain.size() == width_);
  std::vector<float> projection(width_ * kRowBits);
  const double count = static_cast<double>(std::max<uint64_t>(num_tokens_, 1));
  for (size_t k = 0; k < kRowBits; ++k) {
    double mean = 0;
    const auto value_of = [&](size_t j) {
      return sums_[j * kRowBits + k] - sign_sum_[k] * embedding_sum_[j] / count;
    };
    if (centring == Centring::kChannels) {
      for (size_t j = 0; j < width_; ++j) mean += value_of(j);
      mean /= static_cast<double>(width_);
    }
    for (size_t j = 0; j < width_; ++j) {
      const double folded = gain.empty() ? 1.0 : static_cast<double>(gain[j]);
      projection[j * kRowBits + k] =
          static_cast<float>(folded * (value_of(j) - mean));
    }
  }
  return projection;
}

void AddScaled(RowProduct& product, float factor, std::span<const float> row) {
  for (size_t k = 0; k < kRowBits; ++k) product[k] += factor * row[k];
}

RowBits SignsOf(const RowProduct& product) {
  RowBits bits = {};
  for (size_t k = 0; k < kRowBits; ++k) {
    if (product[k] > 0) bits[k / 64] |= uint64_t{1} << (k % 64);
  }
  return bits;
}

}  // namespace revlm::fingerprint
