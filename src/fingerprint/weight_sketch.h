// A model's query and key weights in a few kilobytes, comparable without the
// checkpoint.
//
// A row w of a query or key matrix is known by what it does to tokens: w . e_t
// for the embedding e_t of each token t. These numbers stay the same when the
// residual stream is permuted or rotated, and the text of a token names it in
// any vocabulary. They are kept as 128 signs of
//
//   y_k = sum over t of g_k(text of t) w . (e_t - mean of all e),
//
// g_k = +-1 from a hash of the token's text: a locality sensitive hash of the
// row (Charikar 2002), whatever its length. So gains of the norm before it are
// folded into w first, and for LayerNorm the mean over channels is taken off.
//
// A *unit* is what can change its sign alone without changing what the model
// computes: a rotary pair of rows of a key head together with the same pair of
// the query heads that it serves; without rotary positions a single row of
// each. weight_similarity.h rests on that.
//
// Threads: thread-compatible. Memory: width x 128 doubles while it is made; of
// a sketch at most kMaxSketchRows x 16 bytes, or one unit a head where heads
// are more. Determinism: sums in the order of the calls.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace revlm::fingerprint {

inline constexpr size_t kRowBits = 128;
inline constexpr uint64_t kMaxSketchRows = 8192;

// All zero: the row is zero and has no signs.
using RowBits = std::array<uint64_t, kRowBits / 64>;

struct HeadShape {
  uint32_t head_dim = 0;
  uint32_t rotary_dim = 0;  // rotary pairs are rows i and i + rotary_dim / 2
  uint32_t queries_per_key = 0;  // query heads that share a key head

  bool operator==(const HeadShape&) const = default;
};

// One row, or a rotary pair.
struct Unit {
  uint32_t first = 0;
  uint32_t second = 0;  // as `first`: a row alone

  uint32_t num_rows() const { return first == second ? 1 : 2; }
};

// All units of a head in a fixed random order: sketches of different sizes hold
// the same first ones.
std::vector<Unit> UnitsOf(const HeadShape& shape);

class WeightSketch {
 public:
  WeightSketch() = default;
  // Room for as many units a head as fit. REQUIRES: nothing is 0, products are
  // far from overflow (num_layers and heads below 2^16), rotary_dim is even and
  // at most head_dim.
  WeightSketch(const HeadShape& shape, uint32_t num_layers,
               uint32_t num_key_heads);
  // The same with these units a head and bits, as they were. REQUIRES: as many
  // units as there are at most, and NumWords bits.
  WeightSketch(const HeadShape& shape, uint32_t num_layers,
               uint32_t num_key_heads, uint32_t units_per_head,
               std::vector<uint64_t> bits);

  const HeadShape& shape() const { return shape_; }
  uint32_t num_layers() const { return num_layers_; }
  uint32_t num_key_heads() const { return num_key_heads_; }
  uint32_t units_per_head() const {
    return static_cast<uint32_t>(units_.size());
  }
  const std::vector<Unit>& units() const { return units_; }
  const std::vector<uint64_t>& bits() const { return bits_; }

  // The row of a head that sketch row `i` is of; so many there are.
  const std::vector<uint32_t>& rows() const { return rows_; }

  // All rows of a head, row by row.
  std::span<const uint64_t> HeadBits(uint32_t layer, uint32_t key_head,
                                     uint32_t head) const;
  // `head` 0 is the key head, 1 and up are its query heads.
  RowBits Get(uint32_t layer, uint32_t key_head, uint32_t head,
              size_t row) const;
  void Put(uint32_t layer, uint32_t key_head, uint32_t head, size_t row,
           const RowBits& bits);

  static uint64_t NumWords(const HeadShape& shape, uint32_t num_layers,
                           uint32_t num_key_heads, uint32_t units_per_head);

  bool operator==(const WeightSketch& other) const;

 private:
  size_t PlaceOf(uint32_t layer, uint32_t key_head, uint32_t head,
                 size_t row) const;

  HeadShape shape_;
  uint32_t num_layers_ = 0;
  uint32_t num_key_heads_ = 0;
  std::vector<Unit> units_;
  std::vector<uint32_t> rows_;
  std::vector<uint64_t> bits_;  // [layer][key head][head][row][word]
};

// Whether the norm before the projections takes the mean off.
enum class Centring { kNone, kChannels };

// Of a vocabulary larger than this, the tokens with the least ranks are taken:
// the same ones of any two vocabularies, as far as they share them.
inline constexpr size_t kMaxFrameTokens = 16384;
uint64_t RankOf(std::string_view token);  // a hash of its text

// Collects the embeddings of tokens, then turns rows into bits.
class TokenFrame {
 public:
  explicit TokenFrame(size_t width);

  void Add(std::string_view token, std::span<const float> embedding);

  // What a row is multiplied with: row-major [width][kRowBits]. `gain`: the
  // norm's, one for each channel, or empty.
  std::vector<float> Projection(std::span<const float> gain,
                                Centring centring) const;

 private:
  size_t width_;
  uint64_t num_tokens_ = 0;
  std::vector<double> sums_;           // [width][kRowBits]
  std::vector<double> embedding_sum_;  // [width]
  std::array<double, kRowBits> sign_sum_ = {};
};

// y += factor * x, and the signs of y.
using RowProduct = std::array<float, kRowBits>;
void AddScaled(RowProduct& product, float factor, std::span<const float> row);
RowBits SignsOf(const RowProduct& product);

}  // namespace revlm::fingerprint
