// The nodes of a cluster, in the PostgreSQL that they share. Promises what the port promises, each operation in one
// transaction and on the database's clock; that no lease is found over before everybody could have renewed theirs: not for
// one lease after the server began, after this connection was made, or after the server's clock jumped; and that nothing
// waits longer than limits::database_answer_max for a database that does not answer. A lost connection is made anew with
// the next operation. Never shows the URL's password. One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "oncue/core/limits.hpp"
#include "oncue/io/member_store.hpp"

namespace oncue::io {

struct postgres_members_options {
  std::string url;                                              ///< "postgresql://...": the tables must be there
  std::uint32_t restarts_max = core::limits::restarts_default;  ///< of one run, if its policy is to restart
  /// Tells how much time has gone by, to see jumps of the server's clock.
  std::function<std::chrono::steady_clock::time_point()> now = &std::chrono::steady_clock::now;
};

class postgres_members {
 public:
  /// Connects. Error: one sentence.
  static store_result<std::unique_ptr<member_store>> open(const postgres_members_options& options);
};

}  // namespace oncue::io
