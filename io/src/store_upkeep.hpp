// What makes old runs smaller and lets them go, in steps of a few milliseconds, so that no write waits for it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "oncue/core/settings.hpp"
#include "sql_connection.hpp"
#include "store_log.hpp"

namespace oncue::io {

class store_upkeep {
 public:
  /// `bytes_used` of the file, where a store has a size limit of its own.
  store_upkeep(sql_connection& db, const core::store_settings& settings, std::function<std::int64_t()> bytes_used = {})
      : db_{db}, settings_{settings}, bytes_used_{std::move(bytes_used)} {}

  /// One step, in a transaction of its own. True if something was done, so that there may be more.
  bool step(std::int64_t now_ms);

 private:
  bool is_ours();
  bool shrink(std::int64_t now_ms);
  std::optional<run_row> oldest(std::int64_t stage, std::int64_t ended_before_ms);
  void compact(const run_row& run);
  void strip(const run_row& run);
  void forget(const run_row& run);
  bool make_room(std::int64_t bytes_used);
  std::int64_t bytes_stripped();
  void set_stage(const run_row& run, std::int64_t stage);
  void count_stripped(const run_row& run, const char* sql);

  sql_connection& db_;
  const core::store_settings& settings_;
  std::function<std::int64_t()> bytes_used_;
  text_cache text_;  // of the run that is being compacted
};

}  // namespace oncue::io
