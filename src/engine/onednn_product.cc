#include "engine/onednn_product.h"

#include <dnnl.hpp>
#include <string_view>
#include <utility>

// The two calls of OpenMP that hold oneDNN at one thread. Both concern the
// calling thread only.
extern "C" {
int omp_get_max_threads(void);
void omp_set_num_threads(int num_threads);
}

namespace revlm::engine {
namespace {

using dnnl::memory;

class SingleThreadedOpenMp {
 public:
  SingleThreadedOpenMp() : previous_(omp_get_max_threads()) {
    if (previous_ != 1) omp_set_num_threads(1);
  }
  ~SingleThreadedOpenMp() {
    if (previous_ != 1) omp_set_num_threads(previous_);
  }
  SingleThreadedOpenMp(const SingleThreadedOpenMp&) = delete;
  SingleThreadedOpenMp& operator=(const SingleThreadedOpenMp&) = delete;

 private:
  const int previous_;
};

// Throw dnnl::error on first use, as does all below that is not caught.
dnnl::engine& CpuEngine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& ThreadStream() {
  thread_local dnnl::stream stream(CpuEngine());
  return stream;
}

memory::data_type DnnlType(ElementType type) {
  return type == ElementType::kBf16 ? memory::data_type::bf16
                                    : memory::data_type::f32;
}

memory::desc Matrix(int64_t rows, int64_t columns, ElementType type,
                    int64_t row_stride, int64_t column_stride) {
  return memory::desc({rows, columns}, DnnlType(type),
                      memory::dims{row_stride, column_stride});
}

dnnl::matmul::primitive_desc Describe(const memory::desc& input,
                                      const memory::desc& weight,
                                      const memory::desc& output) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  return {CpuEngine(), input, weight, output, attributes};
#else
  return {dnnl::matmul::desc(input, weight, output), attributes, CpuEngine()};
#endif
}

struct Matrices {
  explicit Matrices(const ProductShape& shape)
      : input(Matrix(shape.rows, shape.k, shape.type, shape.k, 1)),
        weight(shape.layout == WeightLayout::kOutIn
                   ? Matrix(shape.k, shape.columns, shape.type, 1,
                            shape.weight_stride)
                   : Matrix(shape.k, shape.columns, shape.type,
                            shape.weight_stride, 1)),
        output(Matrix(shape.rows, shape.columns, ElementType::kF32,
                      shape.columns, 1)) {}

  memory::desc input;
  memory::desc weight;
  memory::desc output;
};

}  // namespace

struct OnednnProduct::Compiled : Matrices {
  explicit Compiled(const ProductShape& shape) : Matrices(shape) {
    const dnnl::matmul::primitive_desc described =
        Describe(input, weight, output);
    scratch = described.scratchpad_desc();
    product = dnnl::matmul(described);
  }
  memory::desc scratch;
  dnnl::matmul product;
};

OnednnProduct::OnednnProduct(std::unique_ptr<Compiled> compiled)
    : compiled_(std::move(compiled)) {}
OnednnProduct::OnednnProduct(OnednnProduct&&) noexcept = default;
OnednnProduct& OnednnProduct::operator=(OnednnProduct&&) noexcept = default;
OnednnProduct::~OnednnProduct() = default;

Result<OnednnProduct> OnednnProduct::Compile(const ProductShape& shape) {
  const SingleThreadedOpenMp guard;
  // Its own cache would keep what we have dropped.
  static const dnnl::status no_cache = [] {
    return static_cast<dnnl::status>(dnnl_set_primitive_cache_capacity(0));
  }();
  static_cast<void>(no_cache);
  try {
    return OnednnProduct(std::make_unique<Compiled>(shape));
  } catch (const dnnl::error& e) {
    return base::MakeError(ErrorCode::kUnsupported,
                           "compiling a product of {} rows, {} columns and {} "
                           "terms: oneDNN {} says \"{}\"",
                           shape.rows, shape.columns, shape.k, OnednnVersion(),
                           e.what());
  }
}

bool OnednnProduct::IsByGemm(const ProductShape& shape) {
  const SingleThreadedOpenMp guard;
  try {
    const Matrices matrices(shape);
    const dnnl::matmul::primitive_desc described =
        Describe(matrices.input, matrices.weight, matrices.output);
    return std::string_view(described.impl_info_str()).contains("gemm");
  } catch (const dnnl::error&) {
    return false;  // Compile says what is wrong
  }
}

size_t OnednnProduct::scratch_bytes() const {
  return compiled_->scratch.get_size();
}

Status OnednnProduct::Execute(const void* input, const void* weight,
                              float* output, std::byte* scratch) const {
  const SingleThreadedOpenMp guard;
  // oneDNN's interface has no const; inputs are not written.
  auto wrap = [](const memory::desc& description, const void* data) {
    return memory(description, CpuEngine(), const_cast<void*>(data));
  };
  try {
    dnnl::stream& stream = ThreadStream();
    compiled_->product.execute(
        stream, {{DNNL_ARG_SRC, wrap(compiled_->input, input)},
                 {DNNL_ARG_WEIGHTS, wrap(compiled_->weight, weight)},
                 {DNNL_ARG_DST, wrap(compiled_->output, output)},
                 {DNNL_ARG_SCRATCHPAD, wrap(compiled_->scratch, scratch)}});
    stream.wait();
    return {};
  } catch (const dnnl::error& e) {
    return base::MakeError(ErrorCode::kInternal,
                           "running a product: oneDNN {} says \"{}\"",
                           OnednnVersion(), e.what());
  }
}

std::string OnednnVersion() {
  const dnnl::version_t* version = dnnl::version();
  return fmt::format("{}.{}.{}", version->major, version->minor,
                     version->patch);
}

std::string OnednnIsa() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  switch (isa) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    default:
      return fmt::format("isa-{:x}", static_cast<int>(isa));
  }
}

}  // namespace revlm::engine
