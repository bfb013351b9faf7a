#include "revlm/inspect.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <span>
#include <utility>

#include "api/weight_reader.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hex.h"
#include "engine/engine.h"
#include "formats/checkpoint.h"
#include "formats/model_ref.h"
#include "run/model.h"
#include "run/weight_digests.h"
#include "tokenizer/tokenizer.h"

namespace revlm {
namespace {

// The layer a tensor belongs to, by the first number in its name
// ("model.layers.7.mlp..."); -1: none.
int32_t LayerOf(std::string_view name) {
  while (!name.empty()) {
    const size_t dot = std::min(name.find('.'), name.size());
    const std::string_view part = name.substr(0, dot);
    int32_t layer = 0;
    const auto parsed =
        std::from_chars(part.data(), part.data() + part.size(), layer);
    if (!part.empty() && parsed.ec == std::errc() &&
        parsed.ptr == part.data() + part.size() && layer >= 0) {
      return layer;
    }
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  return -1;
}

void DescribeWeights(const formats::Checkpoint& checkpoint,
                     InspectReport& report) {
  std::map<formats::DType, InspectReport::DtypeCount> dtypes;
  std::map<int32_t, InspectReport::LayerGroup> layers;
  for (const formats::TensorInfo& tensor : checkpoint.tensors()) {
    const uint64_t num_parameters = run::NumParameters(tensor);
    report.num_parameters += num_parameters;
    InspectReport::DtypeCount& count = dtypes[tensor.dtype];
    count.dtype = formats::DTypeName(tensor.dtype);
    ++count.num_tensors;
    count.num_parameters += num_parameters;
    count.bytes += tensor.size_bytes;
    const int32_t layer = LayerOf(tensor.name);
    InspectReport::LayerGroup& group = layers[layer];
    group.first_layer = group.last_layer = layer;
    ++group.num_tensors;
    group.bytes += tensor.size_bytes;
  }
  report.num_tensors = checkpoint.tensors().size();
  report.weight_bytes = checkpoint.weight_bytes();
  for (const auto& [dtype, count] : dtypes) report.dtypes.push_back(count);
  std::stable_sort(
      report.dtypes.begin(), report.dtypes.end(),
      [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  for (const auto& [layer, group] : layers) {
    if (!report.layers.empty() && layer > 0) {
      InspectReport::LayerGroup& last = report.layers.back();
      if (last.last_layer == layer - 1 && last.bytes == group.bytes &&
          last.num_tensors == group.num_tensors) {
        last.last_layer = layer;
        continue;
      }
    }
    report.layers.push_back(group);
  }
}

void DescribeConfig(const formats::Checkpoint& checkpoint,
                    InspectReport& report) {
  const formats::ModelConfig& config = checkpoint.config();
  report.model_type = config.model_type;
  report.architectures = config.architectures;
  report.num_layers = config.num_layers;
  report.hidden_size = config.hidden_size;
  report.num_heads = config.num_heads;
  report.num_kv_heads = config.num_kv_heads.value_or(config.num_heads);
  report.vocab_size = config.vocab_size;
  report.context_length = config.max_positions;
}

void DescribeTokenizer(const formats::Checkpoint& checkpoint,
                       InspectReport& report) {
  InspectReport::Tokenizer& described = report.tokenizer;
  const auto text = checkpoint.ReadTokenizerJson();
  if (!text) {
    described.error = text.error();
    return;
  }
  const auto tokenizer = tokenizer::Tokenizer::FromJson(
      *text, checkpoint.path() + "/tokenizer.json");
  if (!tokenizer) {
    described.error = tokenizer.error();
    return;
  }
  described.description = tokenizer->Description();
  const auto add = [&](std::string role, int64_t id) {
    InspectReport::SpecialToken token;
    token.role = std::move(role);
    token.id = id;
    if (id >= 0 && id <= INT32_MAX) {
      token.text = tokenizer->TokenText(static_cast<int32_t>(id)).value_or("");
    }
    described.special_tokens.push_back(std::move(token));
  };
  const formats::ModelConfig& config = checkpoint.config();
  const formats::GenerationConfig& generation = checkpoint.generation_config();
  auto bos = generation.bos_token_id;
  if (!bos) bos = config.bos_token_id;
  if (bos) add("bos", *bos);
  const auto& eos = generation.eos_token_ids.empty() ? config.eos_token_ids
                                                     : generation.eos_token_ids;
  for (const int64_t id : eos) add("eos", id);
}

void DescribeEngine(const formats::Checkpoint& checkpoint,
                    InspectReport& report) {
  memory::Budget nothing(0);  // it is described, not run
  const auto engine = engine::Engine::Open(checkpoint, nothing, {});
  if (!engine) {
    report.cannot_run = engine.error();
    return;
  }
  report.compute = (*engine)->numerics().compute;
  report.context_length = (*engine)->context_length();
  const engine::MemoryNeed need = (*engine)->memory_need();
  report.memory =
      InspectReport::Memory{.resident_bytes = need.pass_bytes,
                            .streaming_bytes = 2 * need.least_slab_bytes,
                            .prompt_token_bytes = need.row_bytes,
                            .kv_token_bytes = need.kv_bytes_per_token};
}

Status HashWeights(const formats::Checkpoint& checkpoint,
                   const InspectOptions& options, InspectReport& report) {
  const base::Clock& clock = base::SystemClock();
  const auto started = clock.Monotonic();
  const auto on_progress = [&](const WeightProgress& progress) {
    if (!options.on_event) return;
    RunEvent event;
    event.model = report.alias;
    event.phase = "hash";
    event.num_finished = progress.num_files;
    event.num_total = checkpoint.num_files();
    event.unit = "files";
    event.fraction = static_cast<double>(progress.read_bytes) /
                     static_cast<double>(progress.total_bytes);
    event.seconds =
        std::chrono::duration<double>(clock.Monotonic() - started).count();
    options.on_event(event);
  };
  REVLM_ASSIGN_OR_RETURN(
      const WeightHashes hashes,
      ReadWeightHashes(checkpoint, options.stop, on_progress));
  REVLM_ASSIGN_OR_RETURN(const run::WeightDigests digests,
                         run::MakeWeightDigests(checkpoint, hashes.tensors));
  run::DigestCache(options.environment.cache_dir).Store(checkpoint, digests);
  report.tensor_root = digests.root;
  for (size_t i = 0; i < digests.tensor_sha256.size(); ++i) {
    const formats::TensorInfo& info = checkpoint.tensors()[i];
    report.tensors.push_back(
        {.name = info.name,
         .dtype = std::string(formats::DTypeName(info.dtype)),
         .shape = info.shape,
         .sha256 = digests.tensor_sha256[i]});
  }
  for (auto& file : report.files) {
    for (uint32_t i = 0; i < checkpoint.num_files(); ++i) {
      if (checkpoint.file(i).path().ends_with("/" + file.name)) {
        file.sha256 = base::ToHex(hashes.files[i]);
      }
    }
  }
  return {};
}

}  // namespace

Result<InspectReport> Inspect(const InspectOptions& options) {
  REVLM_ASSIGN_OR_RETURN(
      const formats::ResolvedModel resolved,
      formats::ResolveModelRef(options.model,
                               run::RootsFrom(options.environment)));
  REVLM_ASSIGN_OR_RETURN(const formats::Checkpoint checkpoint,
                         formats::Checkpoint::Open(resolved.directory));
  InspectReport report;
  report.alias = resolved.name;
  report.reference = options.model;
  report.directory = resolved.directory;
  report.model_id = resolved.model_id.value_or("");
  report.commit = resolved.commit.value_or("");
  DescribeConfig(checkpoint, report);
  DescribeWeights(checkpoint, report);
  DescribeTokenizer(checkpoint, report);
  DescribeEngine(checkpoint, report);
  for (const formats::SmallFile& file : checkpoint.small_files()) {
    report.files.push_back({.name = file.name,
                            .size_bytes = file.size_bytes,
                            .sha256 = base::ToHex(file.sha256)});
  }
  for (uint32_t i = 0; i < checkpoint.num_files(); ++i) {
    const std::string& path = checkpoint.file(i).path();
    report.files.push_back({.name = path.substr(path.rfind('/') + 1),
                            .size_bytes = checkpoint.file(i).size_bytes(),
                            .sha256 = ""});
  }
  if (options.hash) REVLM_TRY(HashWeights(checkpoint, options, report));
  return report;
}

}  // namespace revlm
