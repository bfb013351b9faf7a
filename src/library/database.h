// SQLite with owners and our errors: nothing more.
//
// Threads: thread-confined; processes share a file. Lifetime: a statement does
// not outlive its database. Errors: kNotFound (no such file, when it is only
// read), kInvalidArgument (no file, or one that cannot be made), kUnavailable
// (locked for longer than kBusyMilliseconds, disk full, I/O), kCorrupt
// (damaged, or no database), kInvalidArgument (a constraint of the tables).
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace revlm::library {

inline constexpr int kBusyMilliseconds = 10'000;

class Database;

// One statement, bound and stepped through.
class Statement {
 public:
  // The parameters ?1, ?2, ... in order. Text and bytes must live until the
  // statement is run.
  Statement& Bind(int64_t value);
  Statement& Bind(double value);
  Statement& Bind(std::string_view text);
  Statement& BindBytes(std::string_view bytes);

  // True: there is a row, whose columns can be read until the next call.
  Result<bool> Step();
  // For a statement without rows.
  Status Run();

  int64_t Integer(int column) const;
  double Number(int column) const;
  std::string Text(int column) const;  // also of bytes

 private:
  friend class Database;
  struct Free {
    void operator()(sqlite3_stmt* statement) const {
      sqlite3_finalize(statement);
    }
  };
  Statement(const Database& database, sqlite3_stmt* statement)
      : database_(&database), statement_(statement) {}

  const Database* database_;
  std::unique_ptr<sqlite3_stmt, Free> statement_;
  int num_bound_ = 0;
};

enum class Access { kRead, kWrite };

class Database {
 public:
  // kWrite creates the file.
  static Result<Database> Open(const std::string& path, Access access);

  const std::string& path() const { return path_; }

  Result<Statement> Prepare(std::string_view sql) const;
  // Statements without parameters and rows.
  Status Execute(std::string_view sql) const;
  // The error that the last call left.
  std::unexpected<Error> Failure() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  Database(std::string path, std::unique_ptr<sqlite3, Close> handle)
      : path_(std::move(path)), handle_(std::move(handle)) {}

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace revlm::library
