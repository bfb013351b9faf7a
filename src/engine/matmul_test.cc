#include "engine/matmul.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cmath>
#include <cstring>

#include "base/bytes.h"
#include "base/random.h"

namespace revlm::engine {
namespace {

// Bytes that end right before memory that may not be read: `tail_bytes` before
// it, so that they may lie at any address.
class GuardedBytes {
 public:
  GuardedBytes(size_t size, size_t tail_bytes)
      : mapped_(base::AlignUp(size + tail_bytes, 4096) + 4096) {
    data_ =
        static_cast<std::byte*>(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(data_ + mapped_ - 4096, 4096, PROT_NONE);
    begin_ = data_ + mapped_ - 4096 - tail_bytes - size;
  }
  ~GuardedBytes() { munmap(data_, mapped_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  std::byte* begin() const { return begin_; }

 private:
  const size_t mapped_;
  std::byte* data_;
  std::byte* begin_;
};

size_t ElementBytes(ElementType type) {
  return type == ElementType::kF32 ? 4 : 2;
}

float Uniform(uint64_t seed, uint64_t idx) {
  return static_cast<float>(2 * base::UniformDouble(seed, idx) - 1);
}

float RoundToBf16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000;
  std::memcpy(&x, &bits, 4);
  return x;
}

// A weight matrix and the numbers in it, by [out][in].
struct TestWeight {
  TestWeight(WeightLayout layout, ElementType type, int64_t out, int64_t in,
             uint64_t seed, size_t tail_bytes = 0)
      : bytes(static_cast<size_t>(out * in) * ElementBytes(type), tail_bytes),
        numbers(static_cast<size_t>(out * in)),
        matrix{.data = bytes.begin(),
               .type = type,
               .layout = layout,
               .out_features = out,
               .in_features = in} {
    for (int64_t o = 0; o < out; ++o) {
      for (int64_t i = 0; i < in; ++i) {
        const int64_t at = o * in + i;
        float x = Uniform(seed, static_cast<uint64_t>(at));
        const size_t place = static_cast<size_t>(
            layout == WeightLayout::kOutIn ? at : i * out + o);
        std::byte* to = bytes.begin() + place * ElementBytes(type);
        if (type == ElementType::kF32) {
          std::memcpy(to, &x, 4);
        } else if (type == ElementType::kF16) {
          const _Float16 half = static_cast<_Float16>(x);
          x = static_cast<float>(half);
          std::memcpy(to, &half, 2);
        } else {
          x = RoundToBf16(x);
          std::memcpy(to, reinterpret_cast<const std::byte*>(&x) + 2, 2);
        }
        numbers[static_cast<size_t>(at)] = x;
      }
    }
  }

  GuardedBytes bytes;
  std::vector<float> numbers;
  WeightMatrix matrix;
};

// Rows of activations as input of a product, padded with large numbers.
struct TestInput {
  TestInput(const Matmul& matmul, int64_t rows, int64_t in, uint64_t seed)
      : numbers(static_cast<size_t>(rows * in)),
        row_bytes(static_cast<size_t>(matmul.InputRowBytes(in))),
        bytes(static_cast<size_t>(Matmul::PaddedRows(rows)) * row_bytes) {
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = Uniform(seed, i);
    const std::vector<float> padding(static_cast<size_t>(in), 1e30f);
    for (int64_t r = 0; r < Matmul::PaddedRows(rows); ++r) {
      matmul.PrepareRow(r < rows ? numbers.data() + r * in : padding.data(), in,
                        bytes.data() + static_cast<size_t>(r) * row_bytes);
    }
  }

  std::vector<float> numbers;
  size_t row_bytes;
  std::vector<std::byte> bytes;
};

// Puts results of the products where they belong in rows of `stride` floats;
// product i begins at columns[i].
TileSink StoreIn(float* output, int64_t stride,
                 std::vector<int64_t> columns = {0}) {
  return [=](const ResultTile& tile) {
    for (int64_t r = 0; r < tile.num_rows; ++r) {
      std::copy_n(tile.values + r * tile.num_columns, tile.num_columns,
                  output + (tile.first_row + r) * stride +
                      columns[tile.product_idx] + tile.first_column);
    }
  };
}

class MatmulTest : public ::testing::TestWithParam<ComputeType> {
 protected:
  std::unique_ptr<Matmul> Make(ThreadPool& pool) {
    return Matmul::Create(GetParam(), pool, BestKernels()).value();
  }

  // How many of the results lie further from the plain sum in double than f32
  // sums can.
  int NumWrong(const TestInput& input, const TestWeight& weight,
               const float* bias, const std::vector<float>& output,
               int64_t stride) {
    const int64_t in = weight.matrix.in_features;
    const int64_t out = weight.matrix.out_features;
    const bool rounds = GetParam() == ComputeType::kBf16;
    std::vector<float> x = input.numbers;
    std::vector<float> w = weight.numbers;
    if (rounds) {
      for (float& value : x) value = RoundToBf16(value);
      for (float& value : w) value = RoundToBf16(value);
    }
    int num_wrong = 0;
    for (int64_t r = 0; r < static_cast<int64_t>(x.size()) / in; ++r) {
      for (int64_t o = 0; o < out; ++o) {
        double sum = bias == nullptr ? 0 : static_cast<double>(bias[o]);
        double size = std::abs(sum);
        for (int64_t i = 0; i < in; ++i) {
          const double term = static_cast<double>(x[r * in + i]) *
                              static_cast<double>(w[o * in + i]);
          sum += term;
          size += std::abs(term);
        }
        const double found = static_cast<double>(output[r * stride + o]);
        const double bound = static_cast<double>(in + 2) * 0x1p-24 * size;
        if (!(std::abs(found - sum) <= bound)) ++num_wrong;
      }
    }
    return num_wrong;
  }

  static std::vector<float> Bias(int64_t out) {
    std::vector<float> bias(static_cast<size_t>(out));
    for (size_t i = 0; i < bias.size(); ++i) bias[i] = 3 * Uniform(77, i);
    return bias;
  }
};

constexpr ElementType kTypes[] = {ElementType::kF32, ElementType::kF16,
                                  ElementType::kBf16};
constexpr WeightLayout kLayouts[] = {WeightLayout::kOutIn,
                                     WeightLayout::kInOut};

// Every shape with one type, bias and place of the weights, which change from
// shape to shape.
TEST_P(MatmulTest, ProductsAreThePlainSums) {
  ThreadPool pool(2);
  auto matmul = Make(pool);
  uint64_t turn = 0;
  for (const WeightLayout layout : kLayouts) {
    for (const int64_t out : {1, 7, 64, 255, 256, 257, 600}) {
      for (const int64_t in : {1, 3, 20, 64, 129}) {
        ++turn;  // 35 shapes: the next layout begins at another type
        for (const int64_t rows : {1, 2, 3, 15, 16, 17, 100, 513, 700}) {
          // The large ones where shapes differ in kind; they are slow.
          if (rows > 100 && (in == 20 || in == 64 || out == 255)) continue;
          ++turn;
          const ElementType type = kTypes[turn % 3];
          const TestWeight weight(layout, type, out, in, turn, turn % 4);
          const TestInput input(*matmul, rows, in, turn + 1);
          const std::vector<float> bias = Bias(out);
          const float* used_bias = turn / 3 % 2 == 0 ? bias.data() : nullptr;
          const int64_t stride = out + 5;
          std::vector<float> output(static_cast<size_t>(rows * stride), -7.5f);
          const Product product = {.weight = weight.matrix, .bias = used_bias};
          const Status status =
              matmul->Multiply(input.bytes.data(), rows, {&product, 1},
                               StoreIn(output.data(), stride));
          ASSERT_TRUE(status) << status.error().message;
          EXPECT_EQ(NumWrong(input, weight, used_bias, output, stride), 0)
              << rows << " x " << in << " x " << out << ", type "
              << static_cast<int>(type) << ", layout "
              << static_cast<int>(layout);
          for (int64_t r = 0; r < rows; ++r) {  // the gap is the caller's
            for (int64_t o = out; o < stride; ++o) {
              ASSERT_EQ(output[static_cast<size_t>(r * stride + o)], -7.5f);
            }
          }
        }
      }
    }
  }
}

// Tensors may begin at any byte of a file, and end at the last byte of a slab.
TEST_P(MatmulTest, AddressesOfWeightsNeverShow) {
  ThreadPool pool(2);
  auto matmul = Make(pool);
  for (const WeightLayout layout : kLayouts) {
    for (const ElementType type : kTypes) {
      for (const auto& [out, in] : {std::pair<int64_t, int64_t>{257, 129},
                                    {300, 64},
                                    {33, 20},
                                    {1, 3}}) {
        for (const int64_t rows : {1, 3, 40}) {
          const TestInput input(*matmul, rows, in, 5);
          std::vector<float> expected;
          for (size_t tail = 0; tail < 9; ++tail) {
            const TestWeight weight(layout, type, out, in, 9, tail);
            std::vector<float> output(static_cast<size_t>(rows * out));
            const Product product = {.weight = weight.matrix};
            ASSERT_TRUE(matmul->Multiply(input.bytes.data(), rows,
                                         {&product, 1},
                                         StoreIn(output.data(), out)));
            if (tail == 0) {
              expected = output;
              EXPECT_EQ(NumWrong(input, weight, nullptr, output, out), 0);
            }
            EXPECT_EQ(output, expected)
                << tail << " bytes before the end, " << rows << " rows";
          }
        }
      }
    }
  }
}

TEST_P(MatmulTest, ThreadsBatchesAndCompanyNeverShow) {
  constexpr int64_t kRows = 700;
  constexpr int64_t kIn = 129;
  for (const WeightLayout layout : kLayouts) {
    std::vector<std::unique_ptr<TestWeight>> weights;
    for (const int64_t out : {600, 7, 256}) {
      weights.push_back(
          std::make_unique<TestWeight>(layout, kTypes[weights.size()], out, kIn,
                                       40 + weights.size(), weights.size()));
    }
    constexpr int64_t kStride = 600 + 7 + 256;
    std::vector<float> expected;
    for (const int num_threads : {1, 2, 8}) {
      ThreadPool pool(num_threads);
      auto matmul = Make(pool);
      const TestInput input(*matmul, kRows, kIn, 3);
      const std::vector<float> bias = Bias(600);
      auto multiply = [&](int64_t first_row, int64_t rows,
                          std::vector<float>& output, bool together) {
        std::vector<Product> products;
        for (const auto& weight : weights) {
          products.push_back(
              {.weight = weight->matrix,
               .bias = products.empty() ? bias.data() : nullptr});
        }
        const std::vector<int64_t> columns = {0, 600, 600 + 7};
        float* rows_of_batch = output.data() + first_row * kStride;
        // The rows of this batch alone, padded with numbers.
        std::vector<std::byte> bytes(
            static_cast<size_t>(Matmul::PaddedRows(rows)) * input.row_bytes);
        std::memcpy(bytes.data(),
                    input.bytes.data() +
                        static_cast<size_t>(first_row) * input.row_bytes,
                    static_cast<size_t>(rows) * input.row_bytes);
        if (together) {
          ASSERT_TRUE(
              matmul->Multiply(bytes.data(), rows, products,
                               StoreIn(rows_of_batch, kStride, columns)));
          return;
        }
        for (size_t i = 0; i < products.size(); ++i) {
          ASSERT_TRUE(
              matmul->Multiply(bytes.data(), rows, {&products[i], 1},
                               StoreIn(rows_of_batch, kStride, {columns[i]})));
        }
      };
      for (const int64_t batch : {kRows, int64_t{1}, int64_t{3}, int64_t{16},
                                  int64_t{17}, int64_t{100}, int64_t{513}}) {
        std::vector<float> output(kRows * kStride);
        for (int64_t row = 0; row < kRows; row += batch) {
          multiply(row, std::min(batch, kRows - row), output, batch % 2 == 1);
        }
        if (expected.empty()) expected = output;
        EXPECT_EQ(std::memcmp(output.data(), expected.data(),
                              output.size() * sizeof(float)),
                  0)
            << num_threads << " threads, batches of " << batch;
      }
    }
  }
}

TEST_P(MatmulTest, PairedProductsAreThoseOfEachAlone) {
  ThreadPool pool(2);
  auto matmul = Make(pool);
  constexpr int64_t kRows = 70, kIn = 65, kOut = 300;
  const TestInput input(*matmul, kRows, kIn, 3);
  const std::vector<float> bias = Bias(kOut);
  const TestWeight one(WeightLayout::kOutIn, ElementType::kBf16, kOut, kIn, 7);
  const TestWeight two(WeightLayout::kOutIn, ElementType::kBf16, kOut, kIn, 8);
  std::vector<float> expected[2], found[2];
  for (int i = 0; i < 2; ++i) {
    expected[i].resize(kRows * kOut);
    found[i].resize(kRows * kOut);
    const Product alone = {.weight = (i == 0 ? one : two).matrix,
                           .bias = i == 0 ? nullptr : bias.data()};
    ASSERT_TRUE(matmul->Multiply(input.bytes.data(), kRows, {&alone, 1},
                                 StoreIn(expected[i].data(), kOut)));
  }
  const Product paired = {.weight = one.matrix,
                          .paired_weight = two.matrix.data,
                          .paired_bias = bias.data()};
  ASSERT_TRUE(matmul->Multiply(input.bytes.data(), kRows, {&paired, 1},
                               [&](const ResultTile& tile) {
                                 ResultTile second = tile;
                                 second.values = tile.paired;
                                 StoreIn(found[0].data(), kOut)(tile);
                                 StoreIn(found[1].data(), kOut)(second);
                               }));
  EXPECT_EQ(found[0], expected[0]);
  EXPECT_EQ(found[1], expected[1]);
}

TEST_P(MatmulTest, ClassNamesWhatRuns) {
  ThreadPool pool(1);
  const NumericsClass numerics = Make(pool)->numerics();
  EXPECT_EQ(numerics.compute, ComputeTypeName(GetParam()));
  EXPECT_FALSE(numerics.isa.empty());
  EXPECT_EQ(numerics.products.rfind("oneDNN ", 0), 0u) << numerics.products;
  EXPECT_TRUE(numerics.row_tile == 0 || numerics.row_tile == kAnchorRows);
}

INSTANTIATE_TEST_SUITE_P(
    All, MatmulTest, ::testing::Values(ComputeType::kF32, ComputeType::kBf16),
    [](const auto& test) { return std::string(ComputeTypeName(test.param)); });

}  // namespace
}  // namespace revlm::engine
