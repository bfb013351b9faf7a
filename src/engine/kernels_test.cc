#include "engine/kernels.h"

#include <bit>
#include <set>

#include "engine/kernels_testing.h"

namespace revlm::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t kLengths[] = {1, 2, 5, 15, 16, 17, 20, 64, 100, 333, 4096};
constexpr Activation kActivations[] = {Activation::kSilu, Activation::kGelu,
                                       Activation::kGeluTanh,
                                       Activation::kRelu};

INSTANTIATE_TEST_SUITE_P(Tables, KernelsTest,
                         ::testing::Range(0, NumKernelTables()), TableName);

TEST(KernelTablesTest, BestComesFirstAndBaselineLast) {
  std::set<std::string> names;
  for (int i = 0; i < NumKernelTables(); ++i) names.insert(KernelTable(i).name);
  EXPECT_EQ(names.size(), static_cast<size_t>(NumKernelTables()));
  EXPECT_EQ(&BestKernels(), &KernelTable(0));
  EXPECT_STREQ(KernelTable(NumKernelTables() - 1).name, "baseline");
}

TEST_P(KernelsTest, RmsNormAgreesWithDouble) {
  WorstError worst(kernels_, "rms_norm, ulp");
  for (const int64_t n : kLengths) {
    for (const float size : {1e-18f, 1.0f, 1e18f}) {
      auto x = RandomRow(n, 1);
      const auto weight = RandomRow(n, 2, 1);
      for (float& value : x) value *= size;
      const float eps = size == 1 ? 1e-5f : 0;
      double mean_square = 0;
      for (const float v : x) mean_square += double{v} * v;
      mean_square /= static_cast<double>(n);
      std::vector<float> out(x.size());
      kernels_.rms_norm(x.data(), weight.data(), eps, n, out.data());
      for (size_t i = 0; i < x.size(); ++i) {
        worst.AddUlps(out[i], x[i] / std::sqrt(mean_square + double{eps}) *
                                  double{weight[i]});
      }
    }
  }
  EXPECT_LE(worst.worst(), 3);  // three roundings
}

TEST_P(KernelsTest, LayerNormAgreesWithDoubleFarFromZero) {
  WorstError worst(kernels_, "layer_norm, 2^-24 of |product| + |bias|");
  for (const int64_t n : kLengths) {
    for (const float mean : {0.0f, 1000.0f}) {
      const auto x = RandomRow(n, 3, mean), weight = RandomRow(n, 4, 1),
                 bias = RandomRow(n, 5);
      double center = 0, variance = 0;
      for (const float v : x) center += v / static_cast<double>(n);
      for (const float v : x) {
        variance += (v - center) * (v - center) / static_cast<double>(n);
      }
      const double deviation = std::sqrt(variance + double{1e-5f});
      for (const float* b : {bias.data(), static_cast<const float*>(nullptr)}) {
        std::vector<float> out(x.size());
        kernels_.layer_norm(x.data(), weight.data(), b, 1e-5f, n, out.data());
        for (size_t i = 0; i < x.size(); ++i) {
          const double product = (x[i] - center) / deviation * weight[i];
          const double shift = b == nullptr ? 0.0 : b[i];
          // An input one rounding away from the mean has no digits to keep.
          const double unit =
              0x1p-24 * (std::fabs(product) + std::fabs(shift) + 1e-6);
          worst.Add(std::fabs(out[i] - (product + shift)) / unit);
        }
      }
    }
  }
  EXPECT_LE(worst.worst(), 5);
}

TEST_P(KernelsTest, AddIsExact) {
  for (const int64_t n : kLengths) {
    const auto x = RandomRow(n, 6), before = RandomRow(n, 7);
    auto y = before;
    kernels_.add(x.data(), n, y.data());
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], before[i] + x[i]);
  }
}

double Silu(double x) { return x / (1 + std::exp(-x)); }

double Gelu(double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; }

double GeluTanh(double x) {
  const double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
  return x / (1 + std::exp(-2 * u));
}

// Every 509th f32 from 2^-30 to `greatest`, of both signs.
std::vector<float> DenseRow(float greatest) {
  std::vector<float> row = {0.0f, -0.0f};
  for (uint32_t bits = std::bit_cast<uint32_t>(0x1p-30f);
       bits <= std::bit_cast<uint32_t>(greatest); bits += 509) {
    row.push_back(std::bit_cast<float>(bits));
    row.push_back(-row.back());
  }
  return row;
}

TEST_P(KernelsTest, SiluIsAccurateDownToWhereItIsSubnormal) {
  WorstError worst(kernels_, "silu, ulp");
  const auto x = DenseRow(120);
  auto y = x;
  kernels_.activate(Activation::kSilu, static_cast<int64_t>(y.size()),
                    y.data());
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] < -87.3f) {  // exp(x) may have been flushed to 0
      EXPECT_LE(std::fabs(y[i] - Silu(x[i])), 0x1p-119) << x[i];
    } else {
      worst.AddUlps(y[i], Silu(x[i]));
    }
  }
  EXPECT_LE(worst.worst(), 4);
}

TEST_P(KernelsTest, GelusAgreeWithDouble) {
  WorstError worst_erf(kernels_, "gelu, of max(|x|, 1)");
  WorstError worst_tanh(kernels_, "gelu tanh, of max(|x|, 1)");
  WorstError worst_near_0(kernels_, "both for |x| <= 1, ulp");
  const auto x = DenseRow(1000);
  auto erf = x, tanh = x;
  const auto n = static_cast<int64_t>(x.size());
  kernels_.activate(Activation::kGelu, n, erf.data());
  kernels_.activate(Activation::kGeluTanh, n, tanh.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const double size = std::max(std::fabs(double{x[i]}), 1.0);
    worst_erf.Add(std::fabs(erf[i] - Gelu(x[i])) / size);
    worst_tanh.Add(std::fabs(tanh[i] - GeluTanh(x[i])) / size);
    if (size == 1) {
      worst_near_0.AddUlps(erf[i], Gelu(x[i]));
      worst_near_0.AddUlps(tanh[i], GeluTanh(x[i]));
    }
  }
  EXPECT_LE(worst_erf.worst(), 2e-7);
  EXPECT_LE(worst_tanh.worst(), 2e-7);
  EXPECT_LE(worst_near_0.worst(), 12);
}

TEST_P(KernelsTest, ReluIsExactAndEveryActivationKeepsNan) {
  std::vector<float> x = {-2, -0.0f, 0, 3, -kInfinity, kInfinity};
  kernels_.activate(Activation::kRelu, 6, x.data());
  EXPECT_EQ(x, (std::vector<float>{0, 0, 0, 3, 0, kInfinity}));
  for (const Activation activation : kActivations) {
    std::vector<float> row(20, 1.0f);
    row[3] = row[18] = kNan;
    kernels_.activate(activation, 20, row.data());
    for (size_t i = 0; i < row.size(); ++i) {
      EXPECT_EQ(std::isnan(row[i]), i == 3 || i == 18);
    }
  }
}

TEST_P(KernelsTest, GateIsTheActivationTimesUp) {
  for (const Activation activation : kActivations) {
    for (const int64_t n : kLengths) {
      const auto up = RandomRow(n, 8);
      auto gate = RandomRow(n, 9), want = gate;
      kernels_.activate(activation, n, want.data());
      for (size_t i = 0; i < want.size(); ++i) want[i] *= up[i];
      kernels_.gate(activation, up.data(), n, gate.data());
      EXPECT_TRUE(SameBits(gate, want));
    }
  }
}

TEST_P(KernelsTest, RopeRotatesHalvesAndLeavesTheRest) {
  WorstError worst(kernels_, "rope, 2^-24 of the radius");
  for (const int64_t rotary_dim : {2, 10, 16, 32, 64, 80, 128}) {
    const auto half = static_cast<size_t>(rotary_dim / 2);
    const auto x = RandomRow(rotary_dim + 3, 10);
    std::vector<float> cosines(half), sines(half);
    for (size_t i = 0; i < half; ++i) {
      cosines[i] = std::cos(static_cast<float>(i));
      sines[i] = std::sin(static_cast<float>(i));
    }
    auto y = x;
    kernels_.rope(cosines.data(), sines.data(), rotary_dim, y.data());
    for (size_t i = 0; i < half; ++i) {
      const double a = x[i], b = x[i + half];
      const double unit = 0x1p-24 * std::hypot(a, b);
      worst.Add(std::fabs(y[i] - (a * cosines[i] - b * sines[i])) / unit);
      worst.Add(std::fabs(y[i + half] - (b * cosines[i] + a * sines[i])) /
                unit);
    }
    for (size_t i = 2 * half; i < x.size(); ++i) EXPECT_EQ(y[i], x[i]);
  }
  EXPECT_LE(worst.worst(), 2);
}

double F16Value(uint16_t bits) {
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction ? kNan : sign * kInfinity;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST_P(KernelsTest, WidensEveryF16AndBf16Exactly) {
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  std::vector<float> out(all.size());
  kernels_.widen(ElementType::kF16, all.data(), 65536, out.data());
  for (size_t i = 0; i < all.size(); ++i) {
    const double want = F16Value(all[i]);
    ASSERT_EQ(std::isnan(out[i]), std::isnan(want)) << i;
    ASSERT_EQ(std::signbit(out[i]), (i & 0x8000) != 0) << i;
    if (std::isnan(want)) continue;
    ASSERT_EQ(out[i], want) << i;
  }
  kernels_.widen(ElementType::kBf16, all.data(), 65536, out.data());
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), i << 16);
  }
  std::vector<float> copy(out.size());
  kernels_.widen(ElementType::kF32, out.data(), 65536, copy.data());
  EXPECT_TRUE(SameBits(copy, out));
}

// The nearest of the two bf16 around x, of equals the even one.
uint16_t NearestBf16(float x) {
  const auto below = static_cast<uint16_t>(std::bit_cast<uint32_t>(x) >> 16);
  const auto value = [](uint32_t bits) {
    // Infinity stands for 2^128, where the next exponent would begin.
    const float f = std::bit_cast<float>(bits << 16);
    return std::isinf(f) ? std::copysign(0x1p128, f) : double{f};
  };
  if (std::isinf(x)) return below;
  const double down = std::fabs(x - value(below));
  const double up = std::fabs(x - value(below + 1u));
  if (down != up) return down < up ? below : static_cast<uint16_t>(below + 1);
  return static_cast<uint16_t>(below + (below & 1));
}

TEST_P(KernelsTest, NarrowsAroundEveryBf16ToNearestEven) {
  std::vector<float> x;
  for (uint32_t high = 0; high < 65536; ++high) {
    for (const uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      x.push_back(std::bit_cast<float>(high << 16 | low));
    }
  }
  std::vector<uint16_t> out(x.size());
  kernels_.narrow_to_bf16(x.data(), static_cast<int64_t>(x.size()), out.data());
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) {
      const float wide = std::bit_cast<float>(uint32_t{out[i]} << 16);
      ASSERT_TRUE(std::isnan(wide)) << i;
      ASSERT_EQ(std::signbit(wide), std::signbit(x[i])) << i;
    } else {
      ASSERT_EQ(out[i], NearestBf16(x[i])) << x[i];
    }
  }
}

TEST_P(KernelsTest, ExpIsWithinTwoUlpsWhereTheSumShowsIt) {
  WorstError worst(kernels_, "exp, ulp");
  for (const float x : DenseRow(14)) {
    if (std::signbit(x)) {
      const float logits[] = {0, x};
      worst.AddUlps(kernels_.logit_block(logits, 2).sum_exp - 1,
                    std::exp(double{x}));
    }
  }
  EXPECT_LE(worst.worst(), 2);
}

TEST_P(KernelsTest, LogitBlockAgreesWithDouble) {
  WorstError worst(kernels_, "logit_block, 2^-24 of the sum");
  for (const int64_t n : {1, 3, 16, 17, 63, 64, 65, 256, 1000, 40000}) {
    auto logits = RandomRow(n, 11);
    for (float& x : logits) x *= 5;
    const auto max = std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float x : logits) sum += std::exp(double{x} - double{*max});
    const LogitBlock block = kernels_.logit_block(logits.data(), n);
    EXPECT_EQ(block.max, *max);
    EXPECT_EQ(block.max_idx, max - logits.begin());
    worst.Add(std::fabs(block.sum_exp - sum) / sum / 0x1p-24);
  }
  EXPECT_LE(worst.worst(), 2);
}

TEST_P(KernelsTest, LogitBlockReportsTheFirstOfEqualMaxima) {
  for (const size_t n : {1u, 15u, 16u, 40u, 100u, 256u}) {
    for (size_t first = 0; first < n; ++first) {
      std::vector<float> logits(n, -1.0f);
      logits[first] = 2;
      logits[(first + n) / 2] = 2;
      logits[n - 1] = 2;
      const auto block =
          kernels_.logit_block(logits.data(), static_cast<int64_t>(n));
      EXPECT_EQ(block.max_idx, static_cast<int64_t>(first));
    }
  }
}

TEST_P(KernelsTest, LogitBlockSaysWhatNoDistributionHas) {
  const float masked[] = {-kInfinity, 3, -kInfinity};
  EXPECT_EQ(kernels_.logit_block(masked, 3).sum_exp, 1);
  EXPECT_EQ(kernels_.logit_block(masked, 3).max_idx, 1);
  const LogitBlock nothing = kernels_.logit_block(masked, 1);
  EXPECT_EQ(nothing.max, -kInfinity);
  EXPECT_EQ(nothing.max_idx, 0);
  EXPECT_EQ(nothing.sum_exp, 0);
  const float infinite[] = {1, kInfinity, 2};
  EXPECT_EQ(kernels_.logit_block(infinite, 3).max_idx, 1);
  EXPECT_TRUE(std::isnan(kernels_.logit_block(infinite, 3).sum_exp));
  const float damaged[] = {kNan, 5, 6, kNan};
  EXPECT_EQ(kernels_.logit_block(damaged, 4).max_idx, 2);
  EXPECT_TRUE(std::isnan(kernels_.logit_block(damaged, 4).sum_exp));
  EXPECT_TRUE(std::isnan(kernels_.logit_block(damaged, 1).max));
}

// A row that starts at any byte, with a guard behind it.
class AnyRow {
 public:
  AnyRow(const std::vector<float>& values, size_t offset_bytes)
      : bytes_(values.size() * sizeof(float) + offset_bytes + 1, 0x5a),
        offset_bytes_(offset_bytes),
        size_(values.size()) {
    std::memcpy(bytes_.data() + offset_bytes, values.data(),
                size_ * sizeof(float));
  }
  float* data() {
    return reinterpret_cast<float*>(bytes_.data() + offset_bytes_);
  }
  void AppendTo(std::vector<float>* out) const {
    EXPECT_EQ(bytes_.back(), 0x5a);
    out->resize(out->size() + size_);
    std::memcpy(out->data() + out->size() - size_,
                bytes_.data() + offset_bytes_, size_ * sizeof(float));
  }

 private:
  std::vector<unsigned char> bytes_;
  const size_t offset_bytes_, size_;
};

// The results of the kernels that use no fused multiply-add.
std::vector<float> ExactResults(const Kernels& kernels, int64_t n,
                                size_t offset_bytes) {
  const auto zeros = std::vector<float>(static_cast<size_t>(n));
  AnyRow x(RandomRow(n, 20), offset_bytes), y(RandomRow(n, 21), offset_bytes),
      weight(RandomRow(n, 22), offset_bytes), norm(zeros, offset_bytes),
      layer_norm(zeros, offset_bytes),
      rotated(RandomRow(2 * n, 23), offset_bytes), widened(zeros, offset_bytes),
      narrowed(zeros, offset_bytes);
  kernels.rms_norm(x.data(), weight.data(), 1e-6f, n, norm.data());
  kernels.layer_norm(x.data(), weight.data(), y.data(), 1e-6f, n,
                     layer_norm.data());
  kernels.rope(x.data(), y.data(), 2 * n, rotated.data());
  kernels.widen(ElementType::kF16, x.data(), n, widened.data());
  kernels.narrow_to_bf16(x.data(), n,
                         reinterpret_cast<uint16_t*>(narrowed.data()));
  kernels.add(x.data(), n, y.data());
  std::vector<float> out;
  for (const AnyRow* row :
       {&norm, &layer_norm, &rotated, &widened, &narrowed, &y}) {
    row->AppendTo(&out);
  }
  return out;
}

// The results of those that do.
std::vector<float> ExpResults(const Kernels& kernels, int64_t n,
                              size_t offset_bytes) {
  std::vector<float> out;
  for (const Activation activation : kActivations) {
    AnyRow gate(RandomRow(n, 24), offset_bytes),
        up(RandomRow(n, 25), offset_bytes);
    kernels.gate(activation, up.data(), n, gate.data());
    gate.AppendTo(&out);
  }
  AnyRow logits(RandomRow(n, 26), offset_bytes);
  const double sum = kernels.logit_block(logits.data(), n).sum_exp;
  out.resize(out.size() + 2);
  std::memcpy(out.data() + out.size() - 2, &sum, sizeof(sum));
  return out;
}

TEST_P(KernelsTest, AnyAlignmentGivesTheSameBitsAndStaysInTheRow) {
  for (int64_t n = 1; n <= 70; ++n) {
    const auto exact = ExactResults(kernels_, n, 0);
    const auto exps = ExpResults(kernels_, n, 0);
    for (const size_t offset_bytes : {1u, 2u, 4u, 36u}) {
      EXPECT_TRUE(SameBits(ExactResults(kernels_, n, offset_bytes), exact));
      EXPECT_TRUE(SameBits(ExpResults(kernels_, n, offset_bytes), exps));
    }
  }
}

TEST(KernelTablesTest, TablesAgreeBitwiseUnlessTheyRoundProducts) {
  const Kernels& best = BestKernels();
  for (const int64_t n : kLengths) {
    for (int i = 1; i < NumKernelTables(); ++i) {
      const Kernels& other = KernelTable(i);
      EXPECT_TRUE(SameBits(ExactResults(other, n, 0), ExactResults(best, n, 0)))
          << other.name;
      if (i < NumFusedTables()) {
        EXPECT_TRUE(SameBits(ExpResults(other, n, 0), ExpResults(best, n, 0)))
            << other.name;
      }
    }
  }
}

TEST_P(KernelsTest, DifferenceCountsWhatChangedAndSumsInDouble) {
  for (const int64_t n : kLengths) {
    auto a = RandomRow(n, 1), b = RandomRow(n, 2);
    for (size_t i = 0; i < a.size(); ++i) {
      if (i % 5 == 1) b[i] = a[i];
      if (i % 7 == 2) a[i] = 0;
      if (i % 7 == 3) b[i] = -0.0f;
      if (i % 11 == 4) a[i] = b[i] = i % 2 == 0 ? kNan : kInfinity;
    }
    RowDifference want;
    for (size_t i = 0; i < a.size(); ++i) {
      want.squares_a += double{a[i]} * a[i];
      want.squares_b += double{b[i]} * b[i];
      if (std::bit_cast<uint32_t>(a[i]) == std::bit_cast<uint32_t>(b[i])) {
        continue;
      }
      const double difference = b[i] - a[i];
      want.squares_difference += difference * difference;
      ++want.num_changed;
      want.num_zeroed_in_a += a[i] == 0 ? 1 : 0;
      want.num_zeroed_in_b += b[i] == 0 ? 1 : 0;
    }
    const RowDifference got = kernels_.difference(
        ElementType::kF32, a.data(), ElementType::kF32, b.data(), n);
    EXPECT_EQ(got.num_changed, want.num_changed) << n;
    EXPECT_EQ(got.num_zeroed_in_a, want.num_zeroed_in_a) << n;
    EXPECT_EQ(got.num_zeroed_in_b, want.num_zeroed_in_b) << n;
    EXPECT_NEAR(got.squares_difference, want.squares_difference,
                1e-12 * want.squares_difference);
    if (std::isfinite(want.squares_a)) {
      EXPECT_NEAR(got.squares_a, want.squares_a, 1e-12 * want.squares_a);
      EXPECT_NEAR(got.squares_b, want.squares_b, 1e-12 * want.squares_b);
    } else {
      EXPECT_FALSE(std::isfinite(got.squares_a));
      EXPECT_FALSE(std::isfinite(got.squares_b));
    }
  }
}

// NaN is the same as any NaN.
bool IsSame(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

TEST_P(KernelsTest, DifferenceWidensWhatIsNarrow) {
  constexpr ElementType kTypes[] = {ElementType::kF32, ElementType::kF16,
                                    ElementType::kBf16};
  for (const int64_t n : kLengths) {
    for (const ElementType type_a : kTypes) {
      for (const ElementType type_b : kTypes) {
        // Any bits are numbers of some kind.
        const auto raw_a = RandomRow(n, 1), raw_b = RandomRow(n, 2);
        std::vector<float> a(raw_a.size()), b(raw_b.size());
        kernels_.widen(type_a, raw_a.data(), n, a.data());
        kernels_.widen(type_b, raw_b.data(), n, b.data());
        const RowDifference got =
            kernels_.difference(type_a, raw_a.data(), type_b, raw_b.data(), n);
        const RowDifference want = kernels_.difference(
            ElementType::kF32, a.data(), ElementType::kF32, b.data(), n);
        EXPECT_EQ(got.num_changed, want.num_changed);
        EXPECT_TRUE(IsSame(got.squares_difference, want.squares_difference));
        EXPECT_TRUE(IsSame(got.squares_a, want.squares_a));
        EXPECT_TRUE(IsSame(got.squares_b, want.squares_b));
      }
    }
  }
}

}  // namespace
}  // namespace revlm::engine
