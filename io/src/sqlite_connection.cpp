#include "sqlite_connection.hpp"

#include <sqlite3.h>

#include "oncue/core/limits.hpp"

namespace oncue::io {

namespace {

// The caller sees to it that one thread at a time uses a connection.
constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

int code_of(const std::exception& error) {
  const auto* sqlite = dynamic_cast<const SQLite::Exception*>(&error);
  return sqlite ? sqlite->getErrorCode() & 0xFF : SQLITE_OK;
}

}  // namespace

sqlite_connection::sqlite_connection(const std::string& path, access how)
    : db_{path, is_in_memory(path) ? flags | SQLITE_OPEN_CREATE : flags,
          static_cast<int>(core::limits::store_busy_max.count())} {
  sqlite3_extended_result_codes(db_.getHandle(), 1);
  // Not SQLite's own read-only mode: a reader puts the write-ahead log's pages in their place.
  if (how == access::read_only) db_.exec("PRAGMA query_only = ON");
}

void sqlite_connection::watch_wal() {
  wal_page_bytes_ = page_bytes();
  auto hook = [](void* self, sqlite3* db, const char*, int pages) {
    auto& connection = *static_cast<sqlite_connection*>(self);
    connection.wal_bytes_ = static_cast<std::size_t>(pages) * connection.wal_page_bytes_;
    if (connection.wal_bytes_ >= core::limits::store_wal_bytes_full) {
      // What fails here, or is busy, is done next time: the commit stands.
      sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    }
    return SQLITE_OK;
  };
  sqlite3_wal_hook(db_.getHandle(), hook, this);
}

std::string sqlite_connection::checkpoint() {
  auto code = sqlite3_wal_checkpoint_v2(db_.getHandle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  return code == SQLITE_OK || code == SQLITE_BUSY ? std::string{} : sqlite3_errstr(code);
}

std::int64_t sqlite_connection::bytes_used() {
  return (number("PRAGMA page_count") - number("PRAGMA freelist_count")) * number("PRAGMA page_size");
}

bool sqlite_connection::give_back_space() {
  auto free_pages = static_cast<std::size_t>(number("PRAGMA freelist_count"));
  if (free_pages * page_bytes() <= core::limits::free_bytes_max) return false;
  db_.exec("PRAGMA incremental_vacuum(" + std::to_string(core::limits::vacuum_bytes_max / page_bytes()) + ")");
  return true;
}

sql_statement& sqlite_connection::statement(const char* sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) found = statements_.try_emplace(sql, db_, sql).first;
  return found->second;
}

bool sqlite_connection::is_read_only() const { return sqlite3_db_readonly(db_.getHandle(), "main") == 1; }

bool sqlite_connection::in_transaction() const { return sqlite3_get_autocommit(db_.getHandle()) == 0; }

void sqlite_connection::begin(purpose what) {
  if (in_transaction()) roll_back();  // one that could not be rolled back when it failed
  query{*this, what == purpose::writing ? "BEGIN IMMEDIATE" : "BEGIN"}.run();
}

void sqlite_connection::commit() { query{*this, "COMMIT"}.run(); }

void sqlite_connection::roll_back() noexcept {
  if (in_transaction()) db_.tryExec("ROLLBACK");
}

std::string store_problem(const std::string& path, const std::exception& error) {
  auto name = "the store " + path;
  switch (code_of(error)) {
    case SQLITE_FULL: return name + " cannot grow: the disk is full";
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return name + " is locked by another program";
    case SQLITE_READONLY: return name + " is read-only";
    case SQLITE_CORRUPT: return name + " is corrupt (" + error.what() + "); restore it from a copy";
    case SQLITE_NOTADB: return name + " is not an SQLite database";
    case SQLITE_CANTOPEN: return name + " cannot be opened: " + error.what();
    case SQLITE_PERM:
    case SQLITE_AUTH: return name + " cannot be opened: permission denied";
    case SQLITE_IOERR: return name + " cannot be read or written: " + error.what();
    default: return name + ": " + error.what();
  }
}

bool is_environmental(const std::exception& error) {
  switch (code_of(error)) {
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_OK: return false;  // not SQLite's: what is stored for one run makes no sense
    default: return true;
  }
}

}  // namespace oncue::io
