#include "plain_product.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <dnnl.hpp>
#include <vector>

#include "base/clock.h"
#include "base/random.h"

extern "C" void omp_set_num_threads(int num_threads);

namespace revlm::bench {
namespace {

using dnnl::memory;

float FromBf16(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

std::vector<uint16_t> RandomBf16(uint64_t seed, int64_t count) {
  std::vector<uint16_t> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    const float value =
        static_cast<float>(2 * base::UniformDouble(seed, i) - 1);
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    values[i] = static_cast<uint16_t>(bits >> 16);
  }
  return values;
}

}  // namespace

double PlainProductSeconds(int64_t rows, int64_t columns, int64_t k,
                           int num_threads) {
  omp_set_num_threads(num_threads);
  std::vector<uint16_t> input = RandomBf16(1, rows * k);
  std::vector<uint16_t> weight = RandomBf16(2, columns * k);
  std::vector<float> output(static_cast<size_t>(rows * columns));
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const memory::desc input_desc({rows, k}, memory::data_type::bf16,
                                memory::dims{k, 1});
  const memory::desc weight_desc({k, columns}, memory::data_type::bf16,
                                 memory::dims{1, k});
  const memory::desc output_desc({rows, columns}, memory::data_type::f32,
                                 memory::dims{columns, 1});
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul product(dnnl::matmul::primitive_desc(
      engine, input_desc, weight_desc, output_desc));
#else
  const dnnl::matmul product(dnnl::matmul::primitive_desc(
      dnnl::matmul::desc(input_desc, weight_desc, output_desc), engine));
#endif
  memory input_memory(input_desc, engine, input.data());
  memory weight_memory(weight_desc, engine, weight.data());
  memory output_memory(output_desc, engine, output.data());
  auto run = [&] {
    product.execute(stream, {{DNNL_ARG_SRC, input_memory},
                             {DNNL_ARG_WEIGHTS, weight_memory},
                             {DNNL_ARG_DST, output_memory}});
    stream.wait();
  };
  run();
  double expected = 0;
  for (int64_t i = 0; i < k; ++i) {
    expected += static_cast<double>(
        FromBf16(input[static_cast<size_t>((rows - 1) * k + i)]) *
        FromBf16(weight[static_cast<size_t>((columns - 1) * k + i)]));
  }
  if (std::abs(expected - static_cast<double>(output.back())) > 1e-2) return 0;

  const base::Clock& clock = base::SystemClock();
  std::vector<double> seconds;
  double total = 0;
  while (seconds.size() < 5 || total < 0.3) {
    const auto start = clock.Monotonic();
    run();
    seconds.push_back(
        std::chrono::duration<double>(clock.Monotonic() - start).count());
    total += seconds.back();
  }
  std::nth_element(
      seconds.begin(),
      seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2),
      seconds.end());
  return seconds[seconds.size() / 2];
}

}  // namespace revlm::bench
