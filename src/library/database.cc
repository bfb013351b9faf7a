#include "library/database.h"

#include <utility>

#include "base/file.h"

namespace revlm::library {
namespace {

ErrorCode CodeOf(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
      return ErrorCode::kCorrupt;
    case SQLITE_CONSTRAINT:
      return ErrorCode::kInvalidArgument;
    case SQLITE_NOMEM:
      return ErrorCode::kBudgetExceeded;
    case SQLITE_ERROR:  // of a table that is not as ours are
      return ErrorCode::kCorrupt;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

Statement& Statement::Bind(int64_t value) {
  sqlite3_bind_int64(statement_.get(), ++num_bound_, value);
  return *this;
}

Statement& Statement::Bind(double value) {
  sqlite3_bind_double(statement_.get(), ++num_bound_, value);
  return *this;
}

Statement& Statement::Bind(std::string_view text) {
  sqlite3_bind_text64(statement_.get(), ++num_bound_, text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBytes(std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), ++num_bound_, bytes.data(),
                      bytes.size(), SQLITE_STATIC);
  return *this;
}

Result<bool> Statement::Step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return database_->Failure();
  }
}

Status Statement::Run() {
  REVLM_ASSIGN_OR_RETURN([[maybe_unused]] const bool has_row, Step());
  return {};
}

int64_t Statement::Integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::Number(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string Statement::Text(int column) const {
  const void* const bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return "";
  return {static_cast<const char*>(bytes), static_cast<size_t>(size)};
}

Result<Database> Database::Open(const std::string& path, Access access) {
  const base::PathKind kind = base::KindOfPath(path);
  if (kind == base::PathKind::kDirectory || kind == base::PathKind::kOther) {
    return base::MakeError(
        ErrorCode::kInvalidArgument,
        "opening the library {}: found {}, allowed is a file; name another "
        "with --library",
        path,
        kind == base::PathKind::kDirectory ? "a directory" : "no regular file");
  }
  sqlite3* handle = nullptr;
  const int flags =
      access == Access::kWrite
          ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
          : SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(path, std::unique_ptr<sqlite3, Close>(handle));
  if (handle == nullptr) {
    return base::MakeError(ErrorCode::kBudgetExceeded,
                           "opening the library {}: no memory for it", path);
  }
  if (code == SQLITE_CANTOPEN && access == Access::kRead) {
    return base::MakeError(ErrorCode::kNotFound,
                           "opening the library {}: there is none; revlm "
                           "enroll makes it",
                           path);
  }
  if (code == SQLITE_CANTOPEN) {
    return base::MakeError(ErrorCode::kInvalidArgument,
                           "opening the library {}: it cannot be made or "
                           "written to; name with --library a file in a folder "
                           "that can be",
                           path);
  }
  if (code != SQLITE_OK) return database.Failure();
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  return database;
}

Result<Statement> Database::Prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_.get(), sql.data(),
                         static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return Failure();
  return Statement(*this, statement);
}

Status Database::Execute(std::string_view sql) const {
  const std::string text(sql);
  const int code =
      sqlite3_exec(handle_.get(), text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Failure();
  return {};
}

std::unexpected<Error> Database::Failure() const {
  return base::MakeError(CodeOf(sqlite3_errcode(handle_.get())),
                         "using the library {}: {}", path_,
                         sqlite3_errmsg(handle_.get()));
}

}  // namespace revlm::library
