#include "run/weight_digests.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "attest/tensor_root.h"
#include "base/check.h"
#include "base/file.h"
#include "base/hex.h"
#include "run/model.h"
#include "run/op_record.h"
#include "run/plan.h"

namespace revlm::run {
namespace {

using base::Json;

constexpr uint64_t kMaxEntryBytes = uint64_t{256} << 20;
constexpr char kSchema[] = "revlm.digests/1";

bool IsSha256(const Json& json) {
  if (!json.is_string()) return false;
  const auto& text = json.get_ref<const std::string&>();
  return text.size() == 64 &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

Result<WeightDigests> MakeWeightDigests(
    const formats::Checkpoint& checkpoint,
    const std::vector<crypto::Sha256Digest>& tensors) {
  REVLM_CHECK(tensors.size() == checkpoint.tensors().size());
  WeightDigests digests;
  std::vector<attest::TensorDigest> leaves;
  leaves.reserve(tensors.size());
  digests.tensor_sha256.reserve(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const formats::TensorInfo& info = checkpoint.tensors()[i];
    leaves.push_back({.name = info.name,
                      .dtype_code = formats::DTypeCode(info.dtype),
                      .shape = info.shape,
                      .content_sha256 = tensors[i]});
    digests.tensor_sha256.push_back(base::ToHex(tensors[i]));
  }
  REVLM_ASSIGN_OR_RETURN(const crypto::Sha256Digest root,
                         attest::TensorRoot(std::move(leaves)));
  digests.root = base::ToHex(root);
  return digests;
}

Json TensorsToJson(const formats::Checkpoint& checkpoint,
                   const WeightDigests& digests) {
  Json tensors = Json::array();
  const auto& infos = checkpoint.tensors();
  for (size_t i = 0; i < infos.size(); ++i) {
    tensors.push_back({{"name", infos[i].name},
                       {"dtype", formats::DTypeName(infos[i].dtype)},
                       {"shape", infos[i].shape},
                       {"sha256", digests.tensor_sha256[i]}});
  }
  return {{"schema", "revlm.tensors/1"},
          {"tensor_root", digests.root},
          {"tensors", std::move(tensors)}};
}

std::string DigestCache::EntryPath(
    const formats::Checkpoint& checkpoint) const {
  return fmt::format("{}/digests/{}.json", directory_,
                     Sha256Hex(checkpoint.path()).substr(0, 32));
}

std::optional<WeightDigests> DigestCache::Find(
    const formats::Checkpoint& checkpoint) const {
  if (directory_.empty()) return std::nullopt;
  const auto file =
      base::OpenFile(EntryPath(checkpoint), base::Caching::kPageCache);
  if (!file) return std::nullopt;
  const auto text = base::ReadWholeFile(*file, kMaxEntryBytes);
  if (!text) return std::nullopt;
  const auto entry = base::ParseJson(*text, file->path());
  if (!entry || !entry->is_object()) return std::nullopt;
  const auto is = [&](std::string_view key, const Json& wanted) {
    const Json* member = base::FindMember(*entry, key);
    return member != nullptr && *member == wanted;
  };
  if (!is("schema", kSchema) || !is("path", checkpoint.path()) ||
      !is("files", WeightFilesToJson(WeightFilesOf(checkpoint)))) {
    return std::nullopt;
  }
  const Json* root = base::FindMember(*entry, "tensor_root");
  const Json* tensors = base::FindMember(*entry, "tensors");
  if (root == nullptr || !IsSha256(*root) || tensors == nullptr ||
      !tensors->is_array() || tensors->size() != checkpoint.tensors().size() ||
      !std::all_of(tensors->begin(), tensors->end(), IsSha256)) {
    return std::nullopt;
  }
  return WeightDigests{
      .tensor_sha256 = tensors->get<std::vector<std::string>>(),
      .root = root->get<std::string>()};
}

void DigestCache::Store(const formats::Checkpoint& checkpoint,
                        const WeightDigests& digests) const {
  if (directory_.empty()) return;
  std::error_code ignored;
  std::filesystem::create_directories(directory_ + "/digests", ignored);
  const Json entry = {{"schema", kSchema},
                      {"path", checkpoint.path()},
                      {"files", WeightFilesToJson(WeightFilesOf(checkpoint))},
                      {"tensor_root", digests.root},
                      {"tensors", digests.tensor_sha256}};
  static_cast<void>(
      base::WriteFileAtomically(EntryPath(checkpoint), ToLine(entry)));
}

void DigestCache::RemoveTemporaryFilesOf(int64_t pid) const {
  if (!directory_.empty())
    base::RemoveTemporaryFiles(directory_ + "/digests", pid);
}

}  // namespace revlm::run
