// The journal in a PostgreSQL that many nodes share: the same answers as the one on disk gives, for a node that writes as
// its incarnation and as nobody before it has one. Promises that a write of a run counts only while this node owns it in
// that epoch, that an ending is written once whoever writes it, that an accepted cancel and a start with the same id do not
// miss each other, and that nothing waits longer than limits::database_answer_max for a database that does not answer.
// Never reads from a replica, and never shows the URL's password. One thread at a time; the time is handed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "oncue/core/limits.hpp"
#include "oncue/core/settings.hpp"
#include "oncue/io/run_store.hpp"

namespace oncue::io {

struct postgres_options {
  core::store_settings settings;  ///< `url`; its size limit and durability are the database's own affair
  std::size_t intents_max = core::limits::intents_max;
  std::int64_t intent_age_ms_max = core::limits::intent_age_max.count();
};

class postgres_store {
 public:
  /// Connects, and makes the tables or brings older ones to this version; several nodes may do so at once. It writes
  /// nothing until own_as() names an incarnation. Error: one sentence.
  static store_result<std::unique_ptr<run_store>> open(postgres_options options);
};

class postgres_archive {
 public:
  /// Reads, on a connection of its own. The tables must be there.
  static store_result<std::unique_ptr<run_archive>> open(const std::string& url);
};

}  // namespace oncue::io
