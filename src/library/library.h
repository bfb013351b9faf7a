// The library: references with their fingerprints, and what runs found.
//
// A reference is a deep entry: a name, a family and a whole fingerprint. A
// sighting is a light one: what a model was found to be, without its
// fingerprint. Beside them, for each pair of references, the bound on a false
// match that comparing them gave, so that rates over all pairs need no new
// comparison. They are counted between families that users named: what joined a
// family because it matched would never be a match between families.
//
// One SQLite file in write-ahead mode: many readers and one writer at a time,
// across processes; each change is one transaction. The schema's version is in
// the file: an older one is brought up to date when it is opened, even to read;
// a newer one is refused.
//
// Threads: thread-confined. Memory: one reference at a time. Errors: those of
// library/database.h and of fingerprints; kInvalidArgument for a name that is
// taken; kUnsupported for a newer schema.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "fingerprint/fingerprint.h"
#include "library/database.h"

namespace revlm::library {

struct ReferenceEntry {
  int64_t id = 0;
  std::string name;
  std::string family;
  bool is_family_named = false;  // by the user
  std::string enrolled_utc;      // RFC 3339
  uint64_t size_bytes = 0;       // of its .revfp
};

// A fingerprint as it is kept (fingerprint/revfp.h).
struct StoredFingerprint {
  std::string_view revfp;
  std::string_view brief;  // compared with many; may be empty
};

struct PairBound {
  int64_t a = 0;  // ids
  int64_t b = 0;
  double log_p = 0;
};

struct Sighting {
  std::string seen_utc;
  std::string target;  // as it was named
  std::string tensor_root;
  std::string match;    // a reference's name; empty: unknown
  std::string nearest;  // in states; empty: none was comparable
  double log_p = 0;     // of the best candidate
  double mean_cka = 0;  // of the nearest
};

class Library {
 public:
  // kWrite creates what is missing, but no directories.
  static Result<Library> Open(const std::string& path, Access access);

  // In the order of enrolment.
  Result<std::vector<ReferenceEntry>> References() const;
  // kInvalidArgument when a reference has the name.
  Status CheckFree(std::string_view name) const;
  Result<std::optional<ReferenceEntry>> Find(std::string_view name) const;
  // The bytes of its .revfp. REQUIRES: there is one of this id.
  Result<std::string> ReadRevfp(int64_t id) const;
  // Calls `use` with each reference and the brief form of its fingerprint
  // (empty: of a library that did not keep it), in the order of enrolment,
  // until it fails.
  Status ForEachBrief(
      const std::function<Status(const ReferenceEntry&, std::string brief)>&
          use) const;
  // What `read` reads is all of one moment, whatever others change meanwhile.
  Status AtOneMoment(const std::function<Status()>& read) const;
  // The pairs of references of different families, both named by the user.
  Result<std::vector<PairBound>> ForeignPairs() const;

  // `bounds`: id and log_p for every other reference; those that are gone by
  // now are passed over. REQUIRES: opened to write; `name` and `family` are not
  // empty.
  Status Add(const ReferenceEntry& entry, const StoredFingerprint& stored,
             const std::vector<std::pair<int64_t, double>>& bounds);
  // The same in place of the reference of that name, if there is one, which
  // stays where this fails.
  Status Replace(const ReferenceEntry& entry, const StoredFingerprint& stored,
                 const std::vector<std::pair<int64_t, double>>& bounds);

  Status AddSighting(const Sighting& sighting);
  // The newest first, at most so many.
  Result<std::vector<Sighting>> Sightings(int64_t limit) const;

 private:
  explicit Library(Database database) : database_(std::move(database)) {}

  Status BringUpToDate();
  Status InTransaction(std::string_view begin,
                       const std::function<Status()>& act) const;
  Status Insert(const ReferenceEntry& entry, const StoredFingerprint& stored,
                const std::vector<std::pair<int64_t, double>>& bounds);

  Database database_;
};

}  // namespace revlm::library
