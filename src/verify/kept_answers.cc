#include "verify/kept_answers.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/file.h"

namespace revlm::verify {
namespace {

// A file: this, the key, for each row its length and its elements, the SHA-256
// of all that.
constexpr std::string_view kMagic = "revlm.answers/1\n";

// Reads a file piece by piece, hashing it.
class HashedReader {
 public:
  explicit HashedReader(const base::File& file) : file_(file) {}

  bool Take(std::span<std::byte> out) {
    if (!Read(out)) return false;
    hasher_.Update(out);
    return true;
  }
  // Whether the rest is the digest of what was taken.
  bool TakeDigest() {
    crypto::Sha256Digest digest;
    const crypto::Sha256Digest found = hasher_.Finish();
    return Read(digest) && digest == found && at_ == file_.size_bytes();
  }

 private:
  bool Read(std::span<std::byte> out) {
    const Result<size_t> count = file_.ReadAt(at_, out);
    at_ += out.size();
    return count && *count == out.size();
  }

  const base::File& file_;
  uint64_t at_ = 0;
  crypto::Sha256Hasher hasher_;
};

template <typename T>
std::optional<AnswerRows<T>> TakeRows(HashedReader& reader,
                                      const crypto::Sha256Digest& key,
                                      size_t num_rows, const FitsRow& fits) {
  std::string magic(kMagic.size(), '\0');
  crypto::Sha256Digest found;
  if (!reader.Take(std::as_writable_bytes(std::span(magic))) ||
      magic != kMagic || !reader.Take(found) || found != key) {
    return std::nullopt;
  }
  AnswerRows<T> rows(num_rows);
  for (size_t i = 0; i < num_rows; ++i) {
    uint32_t length = 0;
    if (!reader.Take(std::as_writable_bytes(std::span(&length, 1))) ||
        !fits(i, length)) {
      return std::nullopt;
    }
    rows[i].resize(length);
    if (!reader.Take(std::as_writable_bytes(std::span(rows[i])))) {
      return std::nullopt;
    }
  }
  if (!reader.TakeDigest()) return std::nullopt;
  return rows;
}

}  // namespace

template <typename T>
std::optional<AnswerRows<T>> ReadKeptAnswers(const std::string& path,
                                             const crypto::Sha256Digest& key,
                                             size_t num_rows,
                                             const FitsRow& fits) {
  if (base::KindOfPath(path) != base::PathKind::kFile) return std::nullopt;
  const auto file = base::OpenFile(path, base::Caching::kPageCache);
  if (!file) return std::nullopt;
  HashedReader reader(*file);
  auto rows = TakeRows<T>(reader, key, num_rows, fits);
  file->DropFromPageCache(0, file->size_bytes());
  return rows;
}

template <typename T>
Status KeepAnswers(const std::string& path, const crypto::Sha256Digest& key,
                   const AnswerRows<T>& rows) {
  constexpr size_t kPieceBytes = 64 << 10;
  REVLM_ASSIGN_OR_RETURN(base::AtomicFile file, base::AtomicFile::Create(path));
  crypto::Sha256Hasher hasher;
  std::string piece(kMagic);
  const auto flush = [&] {
    hasher.Update(base::AsBytes(piece));
    const Status written = file.Append(base::AsBytes(piece));
    piece.clear();
    return written;
  };
  piece.append(reinterpret_cast<const char*>(key.data()), key.size());
  for (const std::vector<T>& row : rows) {
    const auto length = static_cast<uint32_t>(row.size());
    piece.append(reinterpret_cast<const char*>(&length), sizeof(length));
    piece.append(reinterpret_cast<const char*>(row.data()),
                 row.size() * sizeof(T));
    if (piece.size() >= kPieceBytes) REVLM_TRY(flush());
  }
  REVLM_TRY(flush());
  const crypto::Sha256Digest digest = hasher.Finish();
  REVLM_TRY(file.Append(digest));
  return file.Commit();
}

template std::optional<AnswerRows<int32_t>> ReadKeptAnswers(
    const std::string&, const crypto::Sha256Digest&, size_t, const FitsRow&);
template std::optional<AnswerRows<float>> ReadKeptAnswers(
    const std::string&, const crypto::Sha256Digest&, size_t, const FitsRow&);
template Status KeepAnswers(const std::string&, const crypto::Sha256Digest&,
                            const AnswerRows<int32_t>&);
template Status KeepAnswers(const std::string&, const crypto::Sha256Digest&,
                            const AnswerRows<float>&);

}  // namespace revlm::verify
