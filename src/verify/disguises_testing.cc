#include "verify/disguises_testing.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/check.h"
#include "base/normal_testing.h"
#include "base/random.h"

namespace revlm::verify {
namespace {

using testing::Normal;

TestTensor& Find(Tensors& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &TestTensor::name);
  REVLM_CHECK(found != tensors.end());
  return *found;
}

std::string InLayer(int64_t layer, const char* name) {
  return fmt::format("model.layers.{}.{}.weight", layer, name);
}

bool IsLinear(const TestTensor& tensor) {
  return tensor.name.find("_proj") != std::string::npos;
}

int64_t Rows(const TestTensor& tensor) {
  return static_cast<int64_t>(tensor.shape[0]);
}
int64_t Columns(const TestTensor& tensor) {
  return static_cast<int64_t>(tensor.shape[1]);
}
float& At(TestTensor& tensor, int64_t i, int64_t j) {
  return tensor.values[static_cast<size_t>(i * Columns(tensor) + j)];
}

std::vector<int64_t> Shuffled(uint64_t seed, int64_t n) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = n - 1; i > 0; --i) {
    const auto j = static_cast<int64_t>(
        base::UniformDouble(seed, static_cast<uint64_t>(i)) *
        static_cast<double>(i + 1));
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(j)]);
  }
  return order;
}

// New row i is old row order[i].
void PermuteRows(const std::vector<int64_t>& order, TestTensor& tensor) {
  const TestTensor old = tensor;
  for (size_t i = 0; i < order.size(); ++i) {
    std::copy_n(
        old.values.begin() + order[i] * Columns(tensor), Columns(tensor),
        tensor.values.begin() + static_cast<int64_t>(i) * Columns(tensor));
  }
}

void PermuteColumns(const std::vector<int64_t>& order, TestTensor& tensor) {
  TestTensor old = tensor;
  for (int64_t i = 0; i < Rows(tensor); ++i) {
    for (size_t j = 0; j < order.size(); ++j) {
      At(tensor, i, static_cast<int64_t>(j)) = At(old, i, order[j]);
    }
  }
}

void ScaleColumns(TestTensor& gains, TestTensor& tensor) {
  for (int64_t i = 0; i < Rows(tensor); ++i) {
    for (int64_t j = 0; j < Columns(tensor); ++j) {
      At(tensor, i, j) *= gains.values[static_cast<size_t>(j)];
    }
  }
}

// Every row times a reflection at a random direction: orthogonal, its own
// inverse, and as far from a permutation as any rotation.
class Reflection {
 public:
  Reflection(uint64_t seed, int64_t width) {
    double squares = 0;
    for (int64_t i = 0; i < width; ++i) {
      axis_.push_back(Normal(seed, static_cast<uint64_t>(i)));
      squares += axis_.back() * axis_.back();
    }
    for (double& value : axis_) value /= std::sqrt(squares);
  }
  void ReflectRows(TestTensor& tensor) const {
    for (int64_t i = 0; i < Rows(tensor); ++i) {
      float* const row = &At(tensor, i, 0);
      double along = 0;
      for (size_t j = 0; j < axis_.size(); ++j) {
        along += axis_[j] * static_cast<double>(row[j]);
      }
      for (size_t j = 0; j < axis_.size(); ++j) {
        row[j] -= static_cast<float>(2 * along * axis_[j]);
      }
    }
  }
  void ReflectColumns(TestTensor& tensor) const {
    const auto num_columns = static_cast<size_t>(Columns(tensor));
    std::vector<double> along(num_columns, 0.0);
    for (size_t i = 0; i < axis_.size(); ++i) {
      const float* const row = &At(tensor, static_cast<int64_t>(i), 0);
      for (size_t j = 0; j < num_columns; ++j) {
        along[j] += axis_[i] * static_cast<double>(row[j]);
      }
    }
    for (size_t i = 0; i < axis_.size(); ++i) {
      float* const row = &At(tensor, static_cast<int64_t>(i), 0);
      for (size_t j = 0; j < num_columns; ++j) {
        row[j] -= static_cast<float>(2 * along[j] * axis_[i]);
      }
    }
  }

 private:
  std::vector<double> axis_;
};

void Widen(Tensors& tensors) {
  for (TestTensor& tensor : tensors) tensor.dtype = formats::DType::kF32;
}

}  // namespace

void Rotate(const LlamaShape& shape, uint64_t seed, Tensors& tensors) {
  Widen(tensors);
  TestTensor head = Find(tensors, "model.embed_tokens.weight");
  head.name = "lm_head.weight";
  ScaleColumns(Find(tensors, "model.norm.weight"), head);
  std::ranges::fill(Find(tensors, "model.norm.weight").values, 1.0F);
  for (int64_t i = 0; i < shape.num_layers; ++i) {
    TestTensor& attention = Find(tensors, InLayer(i, "input_layernorm"));
    for (const char* name : {"q_proj", "k_proj", "v_proj"}) {
      ScaleColumns(
          attention,
          Find(tensors, InLayer(i, fmt::format("self_attn.{}", name).c_str())));
    }
    std::ranges::fill(attention.values, 1.0F);
    TestTensor& mlp = Find(tensors, InLayer(i, "post_attention_layernorm"));
    ScaleColumns(mlp, Find(tensors, InLayer(i, "mlp.gate_proj")));
    ScaleColumns(mlp, Find(tensors, InLayer(i, "mlp.up_proj")));
    std::ranges::fill(mlp.values, 1.0F);
  }
  tensors.push_back(std::move(head));
  // Several reflections make a rotation without a plain axis.
  for (uint64_t turn = 0; turn < 20; ++turn) {
    const Reflection reflection(seed * 100 + turn, shape.width);
    for (TestTensor& tensor : tensors) {
      if (tensor.shape.size() != 2) continue;
      const bool writes = tensor.name.find("o_proj") != std::string::npos ||
                          tensor.name.find("down_proj") != std::string::npos;
      if (writes) {
        reflection.ReflectColumns(tensor);
      } else {
        reflection.ReflectRows(tensor);
      }
    }
  }
}

void Permute(const LlamaShape& shape, uint64_t seed, Tensors& tensors) {
  const auto channels = Shuffled(seed, shape.width);
  for (TestTensor& tensor : tensors) {
    if (tensor.shape.size() == 1) {
      const TestTensor old = tensor;
      for (size_t i = 0; i < channels.size(); ++i) {
        tensor.values[i] = old.values[static_cast<size_t>(channels[i])];
      }
    } else if (tensor.name.find("o_proj") != std::string::npos ||
               tensor.name.find("down_proj") != std::string::npos) {
      PermuteRows(channels, tensor);
    } else {
      PermuteColumns(channels, tensor);
    }
  }
  const int64_t group = shape.num_heads / shape.num_kv_heads;
  for (int64_t layer = 0; layer < shape.num_layers; ++layer) {
    const auto units =
        Shuffled(seed + 10 + static_cast<uint64_t>(layer), shape.intermediate);
    PermuteRows(units, Find(tensors, InLayer(layer, "mlp.gate_proj")));
    PermuteRows(units, Find(tensors, InLayer(layer, "mlp.up_proj")));
    PermuteColumns(units, Find(tensors, InLayer(layer, "mlp.down_proj")));
    // Key heads in reverse order, their queries in reverse order, too.
    std::vector<int64_t> keys;
    std::vector<int64_t> queries;
    for (int64_t g = shape.num_kv_heads - 1; g >= 0; --g) {
      for (int64_t i = 0; i < shape.head_dim; ++i) {
        keys.push_back(g * shape.head_dim + i);
      }
      for (int64_t h = (g + 1) * group - 1; h >= g * group; --h) {
        for (int64_t i = 0; i < shape.head_dim; ++i) {
          queries.push_back(h * shape.head_dim + i);
        }
      }
    }
    PermuteRows(queries, Find(tensors, InLayer(layer, "self_attn.q_proj")));
    PermuteRows(keys, Find(tensors, InLayer(layer, "self_attn.k_proj")));
    PermuteRows(keys, Find(tensors, InLayer(layer, "self_attn.v_proj")));
    PermuteColumns(queries, Find(tensors, InLayer(layer, "self_attn.o_proj")));
  }
}

void Rescale(const LlamaShape& shape, uint64_t seed, Tensors& tensors) {
  Widen(tensors);
  uint64_t at = 0;
  const int64_t half = shape.head_dim / 2;
  const int64_t group = shape.num_heads / shape.num_kv_heads;
  for (int64_t layer = 0; layer < shape.num_layers; ++layer) {
    TestTensor& up = Find(tensors, InLayer(layer, "mlp.up_proj"));
    TestTensor& down = Find(tensors, InLayer(layer, "mlp.down_proj"));
    for (int64_t unit = 0; unit < shape.intermediate; ++unit) {
      const auto scale = static_cast<float>(std::exp(Normal(seed, ++at)));
      for (int64_t j = 0; j < shape.width; ++j) {
        At(up, unit, j) *= scale;
        At(down, j, unit) /= scale;
      }
    }
    TestTensor& queries = Find(tensors, InLayer(layer, "self_attn.q_proj"));
    TestTensor& keys = Find(tensors, InLayer(layer, "self_attn.k_proj"));
    for (int64_t g = 0; g < shape.num_kv_heads; ++g) {
      for (int64_t p = 0; p < half; ++p) {
        const double scale = std::exp(Normal(seed, ++at));
        const double angle = 3 * Normal(seed, ++at);
        const auto turn = [&](double size, int64_t row, TestTensor& tensor) {
          for (int64_t j = 0; j < shape.width; ++j) {
            const double x = At(tensor, row, j);
            const double y = At(tensor, row + half, j);
            At(tensor, row, j) = static_cast<float>(
                size * (std::cos(angle) * x - std::sin(angle) * y));
            At(tensor, row + half, j) = static_cast<float>(
                size * (std::sin(angle) * x + std::cos(angle) * y));
          }
        };
        turn(1 / scale, g * shape.head_dim + p, keys);
        for (int64_t h = g * group; h < (g + 1) * group; ++h) {
          turn(scale, h * shape.head_dim + p, queries);
        }
      }
    }
  }
}

void Quantise(int bits, int64_t group_size, Tensors& tensors) {
  const auto steps = static_cast<float>(std::ldexp(1, bits - 1) - 1);
  for (TestTensor& tensor : tensors) {
    if (!IsLinear(tensor)) continue;
    const int64_t size = group_size == 0 ? Columns(tensor) : group_size;
    for (size_t first = 0; first < tensor.values.size();
         first += static_cast<size_t>(size)) {
      const auto group =
          std::span(tensor.values).subspan(first, static_cast<size_t>(size));
      float most = 0;
      for (const float value : group) most = std::max(most, std::abs(value));
      const float step = most / steps;
      if (step == 0) continue;
      for (float& value : group) value = std::round(value / step) * step;
    }
  }
}

void Prune(double fraction, Tensors& tensors) {
  for (TestTensor& tensor : tensors) {
    if (!IsLinear(tensor)) continue;
    std::vector<float> sizes;
    for (const float value : tensor.values) sizes.push_back(std::abs(value));
    const auto at =
        sizes.begin() +
        static_cast<int64_t>(fraction * static_cast<double>(sizes.size()));
    std::nth_element(sizes.begin(), at, sizes.end());
    for (float& value : tensor.values) {
      if (std::abs(value) < *at) value = 0;
    }
  }
}

void AddNoise(double relative_size, uint64_t seed, Tensors& tensors) {
  uint64_t idx = 0;
  for (TestTensor& tensor : tensors) {
    if (!IsLinear(tensor)) continue;
    double squares = 0;
    for (const float value : tensor.values) {
      squares += static_cast<double>(value) * value;
    }
    const double size =
        relative_size *
        std::sqrt(squares / static_cast<double>(tensor.values.size()));
    for (float& value : tensor.values) {
      value += static_cast<float>(size * Normal(seed, ++idx));
    }
  }
}

void AddLowRank(int64_t rank, double relative_size, uint64_t seed,
                Tensors& tensors) {
  uint64_t idx = 0;
  for (TestTensor& tensor : tensors) {
    if (tensor.name.find("q_proj") == std::string::npos &&
        tensor.name.find("v_proj") == std::string::npos) {
      continue;
    }
    double squares = 0;
    for (const float value : tensor.values) {
      squares += static_cast<double>(value) * value;
    }
    const double size =
        relative_size *
        std::sqrt(squares / static_cast<double>(tensor.values.size()) /
                  static_cast<double>(rank));
    for (int64_t r = 0; r < rank; ++r) {
      std::vector<double> left;
      for (int64_t i = 0; i < Rows(tensor); ++i) {
        left.push_back(Normal(seed, ++idx));
      }
      for (int64_t j = 0; j < Columns(tensor); ++j) {
        const double right = size * Normal(seed, ++idx);
        for (int64_t i = 0; i < Rows(tensor); ++i) {
          At(tensor, i, j) +=
              static_cast<float>(left[static_cast<size_t>(i)] * right);
        }
      }
    }
  }
}

void DropLayers(const LlamaShape& shape, const std::vector<int64_t>& dropped,
                Tensors& tensors) {
  const std::set<int64_t> gone(dropped.begin(), dropped.end());
  Tensors kept;
  for (TestTensor& tensor : tensors) {
    bool is_kept = !tensor.name.starts_with("model.layers.");
    int64_t number = 0;
    for (int64_t i = 0; i < shape.num_layers; ++i) {
      const std::string prefix = fmt::format("model.layers.{}.", i);
      if (gone.contains(i)) continue;
      if (tensor.name.starts_with(prefix)) {
        tensor.name = fmt::format("model.layers.{}.{}", number,
                                  tensor.name.substr(prefix.size()));
        is_kept = true;
        break;
      }
      ++number;
    }
    if (is_kept) kept.push_back(std::move(tensor));
  }
  tensors = std::move(kept);
}

void Untie(std::string& config) {
  const std::string tied = "\"tie_word_embeddings\": true";
  const size_t at = config.find(tied);
  REVLM_CHECK(at != std::string::npos);
  config.replace(at, tied.size(), "\"tie_word_embeddings\": false");
}

std::function<void(std::string&)> WithLayers(int64_t from, int64_t to) {
  return [from, to](std::string& config) {
    const std::string old = fmt::format("\"num_hidden_layers\": {}", from);
    const size_t at = config.find(old);
    REVLM_CHECK(at != std::string::npos);
    config.replace(at, old.size(),
                   fmt::format("\"num_hidden_layers\": {}", to));
  };
}

}  // namespace revlm::verify
