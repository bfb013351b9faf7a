#include "fingerprint/revfp.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/wire.h"
#include "crypto/sha256.h"
#include "fingerprint/alignment.h"

namespace revlm::fingerprint {

template <class Wire>
void Fields(Wire& wire, ModelFacts& model) {
  wire(model.name, model.model_type, model.num_layers, model.hidden_size,
       model.vocab_size, model.num_parameters, model.identity,
       model.tensor_root, model.numerics);
}

template <class Wire>
void Fields(Wire& wire, LayerSketch& sketch) {
  wire(sketch.scales, sketch.factor, sketch.left_out);
}

template <class Wire>
void Fields(Wire& wire, LayerChange& change) {
  wire(change.change, change.low, change.high, change.top_share);
}

template <class Wire>
void Fields(Wire& wire, HeadShape& shape) {
  wire(shape.head_dim, shape.rotary_dim, shape.queries_per_key);
}

namespace {

constexpr std::string_view kMagic = "revfp/1\n";
constexpr size_t kDigestBytes = 32;
constexpr std::string_view kDoesNotFit = "what it holds does not fit together";
// No model has more heads, layers or channels a head.
constexpr uint32_t kMaxCount = 1 << 16;

constexpr std::string_view kBriefMagic = "revbrief/1\n";

// Hypervector and weights as files have them.
struct Signs {
  std::vector<uint64_t> hypervector;
  HeadShape shape;
  uint32_t num_layers = 0;
  uint32_t num_key_heads = 0;
  uint32_t units_per_head = 0;
  std::vector<uint64_t> bits;
};

template <class Wire>
void Fields(Wire& wire, Signs& signs) {
  wire(signs.hypervector, signs.shape, signs.num_layers, signs.num_key_heads,
       signs.units_per_head, signs.bits);
}

struct Stored {
  Fingerprint fingerprint;  // without its signs
  Signs signs;
};

template <class Wire>
void Fields(Wire& wire, Stored& stored) {
  Fingerprint& fingerprint = stored.fingerprint;
  wire(fingerprint.model, fingerprint.challenge_sha256, fingerprint.row_of,
       fingerprint.depths, fingerprint.states, fingerprint.state_sha256,
       fingerprint.changes, stored.signs);
}

struct StoredBrief {
  Brief brief;  // without its signs
  Signs signs;
};

template <class Wire>
void Fields(Wire& wire, StoredBrief& stored) {
  wire(stored.brief.tensor_root, stored.brief.challenge_sha256, stored.signs);
}

bool IsSha256(const std::string& text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool IsShare(float value) { return value >= 0 && value <= 1; }

// Rows are those of the positions that are not missing, in order.
bool RowsFit(const std::vector<int32_t>& row_of, size_t& num_rows) {
  num_rows = 0;
  for (const int32_t row : row_of) {
    if (row == kMissing) continue;
    if (row != static_cast<int32_t>(num_rows)) return false;
    ++num_rows;
  }
  return true;
}

bool SketchFits(const LayerSketch& sketch, size_t num_rows) {
  return sketch.rank() <= kSketchRank &&
         sketch.factor.size() == sketch.rank() * num_rows &&
         IsShare(sketch.left_out) &&
         std::ranges::all_of(sketch.scales, [](float scale) {
           return std::isfinite(scale) && scale > 0;
         });
}

bool ChangeFits(const LayerChange& change) {
  return std::isfinite(change.change) && std::isfinite(change.low) &&
         std::isfinite(change.high) && IsShare(change.top_share);
}

bool StatesFit(const Fingerprint& fingerprint) {
  size_t num_rows = 0;
  const uint64_t num_layers = fingerprint.model.num_layers;
  return num_layers >= 1 && num_layers < kMaxCount &&
         RowsFit(fingerprint.row_of, num_rows) &&
         fingerprint.depths == SketchedDepths(fingerprint.model.num_layers) &&
         fingerprint.states.size() == fingerprint.depths.size() &&
         std::ranges::all_of(
             fingerprint.states,
             [&](const LayerSketch& sketch) {
               return SketchFits(sketch, num_rows);
             }) &&
         fingerprint.state_sha256.size() == num_layers + 1 &&
         std::ranges::all_of(fingerprint.state_sha256, IsSha256) &&
         fingerprint.changes.size() == num_layers &&
         std::ranges::all_of(fingerprint.changes, ChangeFits);
}

bool WeightsFit(const Signs& stored) {
  const HeadShape& shape = stored.shape;
  const auto counts = [](uint32_t count) {
    return count >= 1 && count < kMaxCount;
  };
  return counts(shape.head_dim) && shape.rotary_dim <= shape.head_dim &&
         shape.rotary_dim % 2 == 0 && counts(shape.queries_per_key) &&
         counts(stored.num_layers) && counts(stored.num_key_heads) &&
         stored.units_per_head >= 1 &&
         stored.units_per_head <= shape.head_dim - shape.rotary_dim / 2 &&
         // Far from overflow once this holds: a word takes 8 bytes.
         uint64_t{stored.num_layers} * stored.num_key_heads <=
             stored.bits.size() &&
         stored.bits.size() == WeightSketch::NumWords(shape, stored.num_layers,
                                                      stored.num_key_heads,
                                                      stored.units_per_head);
}

bool HypervectorFits(const std::vector<uint64_t>& words) {
  constexpr uint64_t kUnused = ~uint64_t{0} << (kHypervectorBits % 64);
  return words.size() == std::tuple_size_v<decltype(Hypervector::words)> &&
         (words.back() & kUnused) == 0;
}

bool SignsFit(const Signs& signs) {
  return HypervectorFits(signs.hypervector) && WeightsFit(signs);
}

// Of a Fingerprint or a Brief.
Signs SignsOf(const auto& of) {
  return {
      .hypervector = {of.hypervector.words.begin(), of.hypervector.words.end()},
      .shape = of.weights.shape(),
      .num_layers = of.weights.num_layers(),
      .num_key_heads = of.weights.num_key_heads(),
      .units_per_head = of.weights.units_per_head(),
      .bits = of.weights.bits()};
}

// REQUIRES: SignsFit.
void PutSigns(Signs signs, auto& into) {
  std::ranges::copy(signs.hypervector, into.hypervector.words.begin());
  into.weights =
      WeightSketch(signs.shape, signs.num_layers, signs.num_key_heads,
                   signs.units_per_head, std::move(signs.bits));
}

std::unexpected<Error> Damaged(const std::string& source,
                               std::string_view found) {
  return base::MakeError(
      ErrorCode::kCorrupt,
      "reading the fingerprint {}: {}; make it again with revlm enroll, of a "
      "library's reference with --replace",
      source, found);
}

std::string DigestOf(std::string_view bytes) {
  const crypto::Sha256Digest digest = crypto::Sha256(base::AsBytes(bytes));
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

template <class Fields>
std::string Sealed(std::string_view magic, const Fields& fields) {
  std::string bytes(magic);
  base::WireWriter wire(bytes);
  wire(fields);
  return bytes + DigestOf(bytes);
}

// REQUIRES: `bytes` begin with `magic`.
template <class Fields>
Status Unseal(std::string_view bytes, std::string_view magic,
              const std::string& source, Fields& fields) {
  if (bytes.size() < magic.size() + kDigestBytes) {
    return Damaged(source, "it is cut short");
  }
  const std::string_view hashed = bytes.substr(0, bytes.size() - kDigestBytes);
  if (DigestOf(hashed) != bytes.substr(hashed.size())) {
    return Damaged(source, "its bytes are not those that were written");
  }
  base::WireReader wire(hashed.substr(magic.size()));
  wire(fields);
  if (!wire.IsWhole()) return Damaged(source, kDoesNotFit);
  return {};
}

}  // namespace

std::string ToRevfp(const Fingerprint& fingerprint) {
  return Sealed(kMagic, Stored{fingerprint, SignsOf(fingerprint)});
}

Result<Fingerprint> FromRevfp(std::string_view bytes,
                              const std::string& source) {
  if (bytes.size() > kMaxRevfpBytes) {
    return Damaged(source, "it is larger than a fingerprint can be");
  }
  if (!bytes.starts_with(kMagic)) {
    if (!bytes.starts_with(kMagic.substr(0, 6))) {
      return Damaged(source, "it is no .revfp file");
    }
    return base::MakeError(ErrorCode::kUnsupported,
                           "reading the fingerprint {}: found another version "
                           "of the format, allowed is revfp/1",
                           source);
  }
  Stored stored;
  REVLM_TRY(Unseal(bytes, kMagic, source, stored));
  Fingerprint fingerprint = std::move(stored.fingerprint);
  if (!IsSha256(fingerprint.model.identity) ||
      !IsSha256(fingerprint.model.tensor_root) ||
      !IsSha256(fingerprint.challenge_sha256) || !StatesFit(fingerprint) ||
      !SignsFit(stored.signs)) {
    return Damaged(source, kDoesNotFit);
  }
  PutSigns(std::move(stored.signs), fingerprint);
  return fingerprint;
}

std::string ToBytes(const Brief& brief) {
  return Sealed(kBriefMagic, StoredBrief{brief, SignsOf(brief)});
}

Result<Brief> BriefFromBytes(std::string_view bytes,
                             const std::string& source) {
  if (bytes.size() > kMaxRevfpBytes || !bytes.starts_with(kBriefMagic)) {
    return Damaged(source, "its brief form is none");
  }
  StoredBrief stored;
  REVLM_TRY(Unseal(bytes, kBriefMagic, source, stored));
  Brief brief = std::move(stored.brief);
  if (!IsSha256(brief.tensor_root) || !IsSha256(brief.challenge_sha256) ||
      !SignsFit(stored.signs)) {
    return Damaged(source, kDoesNotFit);
  }
  PutSigns(std::move(stored.signs), brief);
  return brief;
}

}  // namespace revlm::fingerprint
