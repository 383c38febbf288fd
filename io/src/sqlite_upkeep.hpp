// What makes old runs smaller and lets them go, in steps of a few milliseconds, so that no write waits for it.
#pragma once

#include <cstdint>
#include <optional>

#include "oncue/core/settings.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_log.hpp"

namespace oncue::io {

class sqlite_upkeep {
 public:
  sqlite_upkeep(sqlite_connection& db, const core::store_settings& settings) : db_{db}, settings_{settings} {}

  /// One step, in a transaction of its own. True if something was done, so that there may be more.
  bool step(std::int64_t now_ms);

 private:
  std::optional<run_row> oldest(std::int64_t stage, std::int64_t ended_before_ms);
  void compact(const run_row& run);
  void strip(const run_row& run);
  void forget(const run_row& run);
  bool make_room();
  std::int64_t bytes_used();
  std::int64_t bytes_stripped();
  bool give_back_space();
  void set_stage(const run_row& run, std::int64_t stage);
  void count_stripped(const run_row& run, const char* sql);

  sqlite_connection& db_;
  const core::store_settings& settings_;
  text_cache text_;  // of the run that is being compacted
};

}  // namespace oncue::io
