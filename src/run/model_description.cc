#include "run/model_description.h"

namespace revlm::run {

using base::Json;

std::string MakeAlias(std::string name, std::set<std::string>& taken) {
  constexpr size_t kMaxAliasBytes = 64;
  for (char& c : name) {
    const bool is_safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                         c == '-';
    if (!is_safe) c = '_';
  }
  if (name.empty()) name = "model";
  if (name.size() > kMaxAliasBytes) name.resize(kMaxAliasBytes);
  std::string alias = name;
  for (int ordinal = 2; !taken.insert(alias).second; ++ordinal) {
    alias = fmt::format("{}-{}", name, ordinal);
  }
  return alias;
}

bool IsSameModel(const ModelDescription& described,
                 const ModelDescription& opened) {
  return opened.identity == described.identity &&
         opened.chat_template_sha256 == described.chat_template_sha256 &&
         opened.weight_files == described.weight_files &&
         NumericsToJson(opened.numerics) == NumericsToJson(described.numerics);
}

Json NumericsToJson(const engine::NumericsClass& numerics) {
  return {{"isa", numerics.isa},
          {"compute", numerics.compute},
          {"products", numerics.products},
          {"row_tile", numerics.row_tile},
          {"kernels", numerics.kernels}};
}

Json WeightFilesToJson(const std::vector<WeightFileFact>& files) {
  Json json = Json::array();
  for (const WeightFileFact& file : files) {
    json.push_back({{"name", file.name},
                    {"device", file.identity.device},
                    {"inode", file.identity.inode},
                    {"size_bytes", file.identity.size_bytes},
                    {"modified_ns", file.identity.modified_ns}});
  }
  return json;
}

}  // namespace revlm::run
