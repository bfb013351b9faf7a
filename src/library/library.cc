#include "library/library.h"

#include <iterator>

namespace revlm::library {
namespace {

// What makes the tables of each version from those of the one before.
constexpr const char* kSteps[] = {R"(
CREATE TABLE reference (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  family TEXT NOT NULL,
  enrolled_utc TEXT NOT NULL,
  revfp BLOB NOT NULL);
CREATE TABLE pair (
  a INTEGER NOT NULL REFERENCES reference(id) ON DELETE CASCADE,
  b INTEGER NOT NULL REFERENCES reference(id) ON DELETE CASCADE,
  log_p REAL NOT NULL,
  PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE sighting (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  seen_utc TEXT NOT NULL,
  target TEXT NOT NULL,
  tensor_root TEXT NOT NULL,
  match TEXT NOT NULL,
  nearest TEXT NOT NULL,
  log_p REAL NOT NULL,
  mean_cka REAL NOT NULL);
PRAGMA user_version = 1;
)",
                                  R"(
CREATE TABLE new_reference (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  family TEXT NOT NULL,
  is_family_named INTEGER NOT NULL,
  enrolled_utc TEXT NOT NULL,
  revfp BLOB NOT NULL);
INSERT INTO new_reference
  SELECT id, name, family, 0, enrolled_utc, revfp FROM reference;
DROP TABLE reference;
ALTER TABLE new_reference RENAME TO reference;
PRAGMA user_version = 2;
)",
                                  R"(
CREATE TABLE brief (
  reference INTEGER PRIMARY KEY REFERENCES reference(id) ON DELETE CASCADE,
  bytes BLOB NOT NULL);
PRAGMA user_version = 3;
)"};

constexpr std::string_view kToRead = "BEGIN";
constexpr std::string_view kToChange = "BEGIN IMMEDIATE";

constexpr int64_t kSchemaVersion = std::size(kSteps);

constexpr char kColumns[] =
    "SELECT id, name, family, is_family_named, enrolled_utc, length(revfp) "
    "FROM reference ";

ReferenceEntry EntryOf(const Statement& row) {
  return {.id = row.Integer(0),
          .name = row.Text(1),
          .family = row.Text(2),
          .is_family_named = row.Integer(3) != 0,
          .enrolled_utc = row.Text(4),
          .size_bytes = static_cast<uint64_t>(row.Integer(5))};
}

Result<int64_t> ReadNumber(const Database& database, std::string_view sql) {
  REVLM_ASSIGN_OR_RETURN(Statement statement, database.Prepare(sql));
  REVLM_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
  return has_row ? statement.Integer(0) : 0;
}

Result<int64_t> ReadVersion(const Database& database) {
  return ReadNumber(database, "PRAGMA user_version");
}

// Of a file without a version: an empty one becomes a library when it is
// written to; one with other tables is left alone.
Status CheckUnversioned(const Database& database, Access access) {
  REVLM_ASSIGN_OR_RETURN(
      const int64_t num_tables,
      ReadNumber(database, "SELECT count(*) FROM sqlite_master"));
  if (num_tables > 0) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "opening the library {}: it is a database of "
                           "something else; name another file with --library",
                           database.path());
  }
  if (access == Access::kWrite) return {};
  return base::MakeError(ErrorCode::kNotFound,
                         "opening the library {}: it is empty; revlm enroll "
                         "puts the first reference into it",
                         database.path());
}

}  // namespace

Result<Library> Library::Open(const std::string& path, Access access) {
  REVLM_ASSIGN_OR_RETURN(Database database, Database::Open(path, access));
  REVLM_ASSIGN_OR_RETURN(const int64_t version, ReadVersion(database));
  if (version < 0 || version > kSchemaVersion) {
    return base::MakeError(ErrorCode::kUnsupported,
                           "opening the library {}: found version {} of its "
                           "tables, allowed is up to {}; a newer revlm made it",
                           path, version, kSchemaVersion);
  }
  if (version == 0) REVLM_TRY(CheckUnversioned(database, access));
  Library library(std::move(database));
  if (access == Access::kWrite) {
    REVLM_TRY(library.BringUpToDate());
  } else if (version < kSchemaVersion) {
    REVLM_TRY(Open(path, Access::kWrite));
  }
  return library;
}

Status Library::BringUpToDate() {
  REVLM_TRY(
      // Fingerprints take few pages then; of a new file only.
      database_.Execute("PRAGMA page_size = 16384;"
                        "PRAGMA journal_mode = WAL;"
                        "PRAGMA synchronous = FULL;"));
  const Status done = InTransaction(kToChange, [&]() -> Status {
    // Another process may have done it.
    REVLM_ASSIGN_OR_RETURN(const int64_t version, ReadVersion(database_));
    for (int64_t step = version; step < kSchemaVersion; ++step) {
      REVLM_TRY(database_.Execute(kSteps[step]));
    }
    return {};
  });
  if (!done) return done;
  // Not before: a table that is made anew would take its pairs with it.
  return database_.Execute("PRAGMA foreign_keys = ON");
}

Status Library::InTransaction(std::string_view begin,
                              const std::function<Status()>& act) const {
  REVLM_TRY(database_.Execute(begin));
  Status status = act();
  if (status) status = database_.Execute("COMMIT");
  if (!status) {
    // It failed for a reason of its own, which is the one to tell.
    static_cast<void>(database_.Execute("ROLLBACK"));
  }
  return status;
}

Result<std::vector<ReferenceEntry>> Library::References() const {
  REVLM_ASSIGN_OR_RETURN(
      Statement statement,
      database_.Prepare(std::string(kColumns) + "ORDER BY id"));
  std::vector<ReferenceEntry> entries;
  while (true) {
    REVLM_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return entries;
    entries.push_back(EntryOf(statement));
  }
}

Result<std::optional<ReferenceEntry>> Library::Find(
    std::string_view name) const {
  REVLM_ASSIGN_OR_RETURN(
      Statement statement,
      database_.Prepare(std::string(kColumns) + "WHERE name = ?1"));
  statement.Bind(name);
  REVLM_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
  if (!has_row) return std::nullopt;
  return EntryOf(statement);
}

Result<std::string> Library::ReadRevfp(int64_t id) const {
  REVLM_ASSIGN_OR_RETURN(
      Statement statement,
      database_.Prepare("SELECT revfp FROM reference WHERE id = ?1"));
  statement.Bind(id);
  REVLM_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
  if (has_row) return statement.Text(0);
  return base::MakeError(ErrorCode::kNotFound,
                         "using the library {}: reference number {} is gone",
                         database_.path(), id);
}

Status Library::ForEachBrief(
    const std::function<Status(const ReferenceEntry&, std::string brief)>& use)
    const {
  REVLM_ASSIGN_OR_RETURN(
      Statement statement,
      database_.Prepare("SELECT id, name, family, is_family_named, "
                        "enrolled_utc, length(revfp), bytes FROM reference "
                        "LEFT JOIN brief ON brief.reference = reference.id "
                        "ORDER BY id"));
  while (true) {
    REVLM_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return {};
    REVLM_TRY(use(EntryOf(statement), statement.Text(6)));
  }
}

Status Library::AtOneMoment(const std::function<Status()>& read) const {
  return InTransaction(kToRead, read);
}

Result<std::vector<PairBound>> Library::ForeignPairs() const {
  // One statement, so one moment; a pair whose reference is gone is none.
  REVLM_ASSIGN_OR_RETURN(
      Statement statement,
      database_.Prepare(
          "SELECT pair.a, pair.b, pair.log_p FROM pair "
          "JOIN reference AS first ON first.id = pair.a "
          "JOIN reference AS second ON second.id = pair.b "
          "WHERE first.is_family_named AND second.is_family_named "
          "AND first.family <> second.family ORDER BY pair.a, pair.b"));
  std::vector<PairBound> pairs;
  while (true) {
    REVLM_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return pairs;
    pairs.push_back(
        {statement.Integer(0), statement.Integer(1), statement.Number(2)});
  }
}

Status Library::Insert(const ReferenceEntry& entry,
                       const StoredFingerprint& stored,
                       const std::vector<std::pair<int64_t, double>>& bounds) {
  REVLM_ASSIGN_OR_RETURN(
      Statement reference,
      database_.Prepare("INSERT INTO reference (name, family, is_family_named, "
                        "enrolled_utc, revfp) VALUES (?1, ?2, ?3, ?4, ?5)"));
  REVLM_TRY(reference.Bind(entry.name)
                .Bind(entry.family)
                .Bind(int64_t{entry.is_family_named})
                .Bind(entry.enrolled_utc)
                .BindBytes(stored.revfp)
                .Run());
  if (!stored.brief.empty()) {
    REVLM_ASSIGN_OR_RETURN(
        Statement brief,
        database_.Prepare("INSERT INTO brief "
                          "SELECT id, ?1 FROM reference WHERE name = ?2"));
    REVLM_TRY(brief.BindBytes(stored.brief).Bind(entry.name).Run());
  }
  for (const auto& [id, log_p] : bounds) {
    REVLM_ASSIGN_OR_RETURN(
        Statement pair,
        database_.Prepare("INSERT INTO pair SELECT other.id, added.id, ?2 "
                          "FROM reference AS other, reference AS added "
                          "WHERE other.id = ?1 AND added.name = ?3"));
    REVLM_TRY(pair.Bind(id).Bind(log_p).Bind(entry.name).Run());
  }
  return {};
}

Status Library::Add(const ReferenceEntry& entry,
                    const StoredFingerprint& stored,
                    const std::vector<std::pair<int64_t, double>>& bounds) {
  return InTransaction(kToChange, [&]() -> Status {
    REVLM_TRY(CheckFree(entry.name));
    return Insert(entry, stored, bounds);
  });
}

Status Library::CheckFree(std::string_view name) const {
  REVLM_ASSIGN_OR_RETURN(const auto taken, Find(name));
  if (!taken) return {};
  return base::MakeError(
      ErrorCode::kInvalidArgument,
      "adding to the library {}: it has a reference {} of {} already; give "
      "another --name, or --replace it",
      database_.path(), name, taken->enrolled_utc);
}

Status Library::Replace(const ReferenceEntry& entry,
                        const StoredFingerprint& stored,
                        const std::vector<std::pair<int64_t, double>>& bounds) {
  return InTransaction(kToChange, [&]() -> Status {
    REVLM_ASSIGN_OR_RETURN(
        Statement statement,
        database_.Prepare("DELETE FROM reference WHERE name = ?1"));
    REVLM_TRY(statement.Bind(entry.name).Run());
    return Insert(entry, stored, bounds);
  });
}

Status Library::AddSighting(const Sighting& sighting) {
  REVLM_ASSIGN_OR_RETURN(
      Statement statement,
      database_.Prepare(
          "INSERT INTO sighting (seen_utc, target, tensor_root, match, "
          "nearest, log_p, mean_cka) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  return statement.Bind(sighting.seen_utc)
      .Bind(sighting.target)
      .Bind(sighting.tensor_root)
      .Bind(sighting.match)
      .Bind(sighting.nearest)
      .Bind(sighting.log_p)
      .Bind(sighting.mean_cka)
      .Run();
}

Result<std::vector<Sighting>> Library::Sightings(int64_t limit) const {
  REVLM_ASSIGN_OR_RETURN(
      Statement statement,
      database_.Prepare("SELECT seen_utc, target, tensor_root, match, nearest, "
                        "log_p, mean_cka FROM sighting ORDER BY id DESC "
                        "LIMIT ?1"));
  statement.Bind(limit);
  std::vector<Sighting> sightings;
  while (true) {
    REVLM_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return sightings;
    sightings.push_back({.seen_utc = statement.Text(0),
                         .target = statement.Text(1),
                         .tensor_root = statement.Text(2),
                         .match = statement.Text(3),
                         .nearest = statement.Text(4),
                         .log_p = statement.Number(5),
                         .mean_cka = statement.Number(6)});
  }
}

}  // namespace revlm::library
