// Checkpoints made from others, for tests of this module.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "formats/checkpoint.h"
#include "tokenizer/tokenizer.h"
#include "verify/weights.h"

namespace revlm::verify {

// A tensor by value, to be changed at will.
struct TestTensor {
  std::string name;
  formats::DType dtype = formats::DType::kF32;  // as it is to be written
  std::vector<uint64_t> shape;
  std::vector<float> values;
};

// A checkpoint that is open, with its tokenizer.
struct TestModel {
  std::unique_ptr<formats::Checkpoint> checkpoint;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;
  std::string name;

  WeightSide side() const {
    return {.checkpoint = checkpoint.get(),
            .tokenizer = tokenizer.get(),
            .name = name};
  }
};

Result<TestModel> OpenTestModel(const std::string& directory);

// All tensors of a checkpoint, in byte order of name.
Result<std::vector<TestTensor>> ReadTensors(
    const formats::Checkpoint& checkpoint);

// Writes a copy of the model in `directory` to a folder of its own below the
// temporary one, named `name`, with other tensors and `edit_config` applied to
// the text of config.json, and opens it.
Result<TestModel> MakeTestModel(
    const std::string& directory, const std::string& name,
    const std::vector<TestTensor>& tensors,
    const std::function<void(std::string&)>& edit_config = {});

}  // namespace revlm::verify
