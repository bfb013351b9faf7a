// Small models for tests of weight sketches: embeddings and the query and key
// matrices of a few layers, with random normal entries.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fingerprint/states_testing.h"
#include "fingerprint/weight_sketch.h"

namespace revlm::testing {

using Matrix = std::vector<std::vector<float>>;

struct SmallModel {
  fingerprint::HeadShape shape = {
      .head_dim = 8, .rotary_dim = 8, .queries_per_key = 2};
  uint32_t num_key_heads = 2;
  size_t width = 16;
  std::vector<std::string> tokens;
  Matrix embeddings;  // [token][width]
  struct Layer {
    std::vector<float> gain;
    Matrix queries;  // [head and row][width]
    Matrix keys;
  };
  std::vector<Layer> layers;
};

inline Matrix RandomMatrix(uint64_t seed, size_t num_rows, size_t width) {
  Matrix matrix(num_rows, std::vector<float>(width));
  for (size_t i = 0; i < num_rows * width; ++i) {
    matrix[i / width][i % width] = static_cast<float>(Normal(seed, i));
  }
  return matrix;
}

inline SmallModel MakeSmallModel(uint64_t seed, uint32_t num_layers = 3,
                                 SmallModel model = {}) {
  constexpr size_t kNumTokens = 100;
  for (size_t t = 0; t < kNumTokens; ++t) {
    model.tokens.push_back("token " + std::to_string(t));
  }
  model.embeddings = RandomMatrix(seed * 1000, kNumTokens, model.width);
  const size_t num_rows = size_t{model.num_key_heads} * model.shape.head_dim;
  for (uint32_t layer = 0; layer < num_layers; ++layer) {
    const uint64_t of_layer = seed * 1000 + 10 * (layer + 1);
    model.layers.push_back(
        {.gain = std::vector<float>(model.width, 1.0f),
         .queries = RandomMatrix(
             of_layer + 1, num_rows * model.shape.queries_per_key, model.width),
         .keys = RandomMatrix(of_layer + 2, num_rows, model.width)});
  }
  return model;
}

inline fingerprint::WeightSketch SketchModel(
    const SmallModel& model,
    fingerprint::Centring centring = fingerprint::Centring::kNone) {
  fingerprint::TokenFrame frame(model.width);
  for (size_t t = 0; t < model.tokens.size(); ++t) {
    frame.Add(model.tokens[t], model.embeddings[t]);
  }
  fingerprint::WeightSketch sketch(model.shape,
                                   static_cast<uint32_t>(model.layers.size()),
                                   model.num_key_heads);
  const uint32_t dim = model.shape.head_dim;
  for (uint32_t l = 0; l < model.layers.size(); ++l) {
    const std::vector<float> projection =
        frame.Projection(model.layers[l].gain, centring);
    const auto put = [&](uint32_t key_head, uint32_t head, size_t row,
                         const std::vector<float>& weights) {
      fingerprint::RowProduct product = {};
      for (size_t j = 0; j < model.width; ++j) {
        fingerprint::AddScaled(
            product, weights[j],
            std::span(projection)
                .subspan(j * fingerprint::kRowBits, fingerprint::kRowBits));
      }
      sketch.Put(l, key_head, head, row, fingerprint::SignsOf(product));
    };
    for (uint32_t key_head = 0; key_head < model.num_key_heads; ++key_head) {
      for (size_t row = 0; row < sketch.rows().size(); ++row) {
        const uint32_t in_head = sketch.rows()[row];
        put(key_head, 0, row, model.layers[l].keys[key_head * dim + in_head]);
        for (uint32_t i = 0; i < model.shape.queries_per_key; ++i) {
          const uint32_t head = key_head * model.shape.queries_per_key + i;
          put(key_head, 1 + i, row,
              model.layers[l].queries[head * dim + in_head]);
        }
      }
    }
  }
  return sketch;
}

// The model with each unit's sign drawn anew: what an independent model that
// happened to have the very same sizes would be.
inline SmallModel WithRandomSigns(SmallModel model, uint64_t seed) {
  uint64_t idx = 0;
  const uint32_t dim = model.shape.head_dim;
  const uint32_t num_queries = model.shape.queries_per_key;
  for (SmallModel::Layer& layer : model.layers) {
    for (uint32_t key_head = 0; key_head < model.num_key_heads; ++key_head) {
      for (const fingerprint::Unit& unit : fingerprint::UnitsOf(model.shape)) {
        if ((base::RandomBits(seed, idx++) & 1) == 0) continue;
        const auto flip = [](std::vector<float>& row) {
          for (float& value : row) value = -value;
        };
        for (uint32_t i = 0; i < unit.num_rows(); ++i) {
          const uint32_t row = i == 0 ? unit.first : unit.second;
          flip(layer.keys[key_head * dim + row]);
          for (uint32_t q = 0; q < num_queries; ++q) {
            flip(layer.queries[(key_head * num_queries + q) * dim + row]);
          }
        }
      }
    }
  }
  return model;
}

}  // namespace revlm::testing
