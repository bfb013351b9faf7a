#include "verify/shared_tokens.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "crypto/sha256.h"

namespace revlm::verify {

SharedTokens FindSharedTokens(const tokenizer::Tokenizer& a, int64_t num_rows_a,
                              const tokenizer::Tokenizer& b, int64_t num_rows_b,
                              size_t most) {
  std::vector<std::pair<crypto::Sha256Digest, std::pair<int32_t, int32_t>>>
      found;
  const int64_t num_ids = std::min<int64_t>(a.num_ids(), num_rows_a);
  for (int32_t id = 0; id < num_ids; ++id) {
    const auto text = a.TokenText(id);
    if (!text) continue;
    const auto other = b.TokenId(*text);
    if (!other || *other >= num_rows_b) continue;
    found.push_back({crypto::Sha256(base::AsBytes(*text)), {id, *other}});
  }
  std::ranges::sort(found);
  if (found.size() > most) found.resize(most);
  SharedTokens shared;
  for (const auto& [digest, ids] : found) {
    shared.ids_a.push_back(ids.first);
    shared.ids_b.push_back(ids.second);
  }
  return shared;
}

}  // namespace revlm::verify
