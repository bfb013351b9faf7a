// A checkpoint as the forward pass sees it: sizes resolved from configuration
// and family, and which tensor plays which part.
//
// `DescribeModel` checks that every tensor the family needs is there with the
// shape the configuration says and a type that can be multiplied, so nothing
// later has to.
//
// Threads: constants once made. Lifetime: tensor indices refer to
// checkpoint.tensors(). Errors: kUnsupported (family, activation, rotary
// scaling, quantisation, number format; by name), kCorrupt (a tensor missing or
// of another shape).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/architecture.h"
#include "engine/kernels.h"
#include "engine/onednn_product.h"
#include "engine/rope.h"
#include "formats/checkpoint.h"

namespace revlm::engine {

inline constexpr int32_t kNoTensor = -1;

struct NormTensors {
  int32_t weight = kNoTensor;
  int32_t bias = kNoTensor;
};

struct LinearTensors {
  int32_t weight = kNoTensor;
  int32_t bias = kNoTensor;
  int64_t out_features = 0;
  int64_t in_features = 0;
};

struct LayerTensors {
  NormTensors attention_norm;
  NormTensors mlp_norm;
  NormTensors query_norm;  // weight kNoTensor: none
  NormTensors key_norm;
  std::vector<LinearTensors> qkv;
  LinearTensors attention_output;
  std::vector<LinearTensors> mlp_inputs;  // up, or gate and up
  LinearTensors down;
};

// Where a head's vector starts within the output row of the projections, and
// how far the next head's is.
struct HeadPlacement {
  int64_t first = 0;
  int64_t step = 0;
};

struct ModelSpec {
  const Family* family = nullptr;
  int64_t num_layers = 0;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t vocab_size = 0;
  int64_t max_positions = 0;
  float norm_eps = 0;
  Activation activation = Activation::kSilu;
  bool parallel_residual = false;
  Rope rope;
  std::vector<int64_t> windows;         // per layer; 0: none
  std::vector<float> attention_scales;  // per layer
  HeadPlacement query, key, value;
  std::vector<int32_t> stop_tokens;

  int32_t embedding = kNoTensor;
  int32_t position_embedding = kNoTensor;
  std::vector<LayerTensors> layers;
  NormTensors final_norm;
  int32_t head = kNoTensor;  // the embedding when tied

  bool tied() const { return head == embedding; }
  int64_t kv_width() const { return num_kv_heads * head_dim; }
  int64_t qkv_width() const {
    return (num_heads + 2 * num_kv_heads) * head_dim;
  }
  int64_t attention_width() const { return num_heads * head_dim; }
};

Result<ModelSpec> DescribeModel(const formats::Checkpoint& checkpoint);

// The element type of a weight. REQUIRES: one DescribeModel accepted.
ElementType WeightType(const formats::TensorInfo& tensor);

// Norm weights and biases: the tensors of one dimension that passes use.
std::vector<int32_t> SmallTensorList(const ModelSpec& spec);

}  // namespace revlm::engine
