#include "verify/kept_rows.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/file.h"
#include "crypto/sha256.h"

namespace revlm::verify {
namespace {

// A file: this, the SHA-256 of the key, for each row its length and its
// elements, the SHA-256 of all that.
constexpr std::string_view kMagic = "revlm.rows/1\n";

// Reads a file piece by piece, hashing it.
class HashedReader {
 public:
  explicit HashedReader(const base::File& file) : file_(file) {}

  bool Take(std::span<std::byte> out) {
    if (!Read(out)) return false;
    hasher_.Update(out);
    return true;
  }
  uint64_t left_bytes() const { return file_.size_bytes() - at_; }
  // Whether the rest is the digest of what was taken.
  bool TakeDigest() {
    crypto::Sha256Digest digest;
    const crypto::Sha256Digest found = hasher_.Finish();
    return Read(digest) && digest == found && at_ == file_.size_bytes();
  }

 private:
  bool Read(std::span<std::byte> out) {
    const Result<size_t> count = file_.ReadAt(at_, out);
    if (!count || *count != out.size()) return false;
    at_ += out.size();
    return true;
  }

  const base::File& file_;
  uint64_t at_ = 0;
  crypto::Sha256Hasher hasher_;
};

template <typename T>
std::optional<Rows<T>> TakeRows(HashedReader& reader, const std::string& key,
                                size_t num_rows, const FitsRow& fits) {
  std::string magic(kMagic.size(), '\0');
  crypto::Sha256Digest found;
  if (!reader.Take(std::as_writable_bytes(std::span(magic))) ||
      magic != kMagic || !reader.Take(found) ||
      found != crypto::Sha256(base::AsBytes(key))) {
    return std::nullopt;
  }
  Rows<T> rows(num_rows);
  for (size_t i = 0; i < num_rows; ++i) {
    uint64_t length = 0;
    if (!reader.Take(std::as_writable_bytes(std::span(&length, 1))) ||
        length > reader.left_bytes() / sizeof(T) || !fits(i, length)) {
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

// `row_of`: a row by its index, as a span.
template <typename F>
Status WriteRows(const KeptAt& at, size_t num_rows, const F& row_of) {
  constexpr size_t kPieceBytes = 64 << 10;
  REVLM_ASSIGN_OR_RETURN(base::AtomicFile file,
                         base::AtomicFile::Create(at.path));
  crypto::Sha256Hasher hasher;
  const auto append = [&](std::span<const std::byte> bytes) {
    hasher.Update(bytes);
    return file.Append(bytes);
  };
  std::string piece(kMagic);
  const auto flush = [&] {
    const Status written = append(base::AsBytes(piece));
    piece.clear();
    return written;
  };
  const crypto::Sha256Digest key = crypto::Sha256(base::AsBytes(at.key));
  piece.append(reinterpret_cast<const char*>(key.data()), key.size());
  for (size_t i = 0; i < num_rows; ++i) {
    const auto row = row_of(i);
    const auto length = uint64_t{row.size()};
    piece.append(reinterpret_cast<const char*>(&length), sizeof(length));
    const std::span<const std::byte> bytes = std::as_bytes(row);
    if (piece.size() + bytes.size() > kPieceBytes) REVLM_TRY(flush());
    if (bytes.size() > kPieceBytes) {
      REVLM_TRY(append(bytes));
    } else {
      piece.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
  }
  REVLM_TRY(flush());
  REVLM_TRY(file.Append(hasher.Finish()));
  return file.Commit();
}

}  // namespace

template <typename T>
std::optional<Rows<T>> ReadKept(const KeptAt& at, size_t num_rows,
                                const FitsRow& fits) {
  if (base::KindOfPath(at.path) != base::PathKind::kFile) return std::nullopt;
  const auto file = base::OpenFile(at.path, base::Caching::kPageCache);
  if (!file) return std::nullopt;
  HashedReader reader(*file);
  auto rows = TakeRows<T>(reader, at.key, num_rows, fits);
  file->DropFromPageCache(0, file->size_bytes());
  return rows;
}

template <typename T>
Status Keep(const KeptAt& at, const Rows<T>& rows) {
  return WriteRows(at, rows.size(),
                   [&](size_t i) { return std::span<const T>(rows[i]); });
}

Status KeepBytes(const KeptAt& at, std::string_view bytes) {
  return WriteRows(at, 1, [&](size_t) { return std::span(bytes); });
}

template std::optional<Rows<int32_t>> ReadKept(const KeptAt&, size_t,
                                               const FitsRow&);
template std::optional<Rows<float>> ReadKept(const KeptAt&, size_t,
                                             const FitsRow&);
template std::optional<Rows<char>> ReadKept(const KeptAt&, size_t,
                                            const FitsRow&);
template Status Keep(const KeptAt&, const Rows<int32_t>&);
template Status Keep(const KeptAt&, const Rows<float>&);

}  // namespace revlm::verify
