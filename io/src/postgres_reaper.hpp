// Finds leases that are over, and what becomes of the runs of dead nodes, for the file behind postgres_members.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "oncue/io/member_store.hpp"
#include "postgres_connection.hpp"

namespace oncue::io {

/// From now on it is dead, if it was not before. Within a transaction.
void bury(sql_connection& db, incarnation_no who);

class postgres_reaper {
 public:
  using clock = std::chrono::steady_clock;

  postgres_reaper(std::uint32_t restarts_max, std::function<clock::time_point()> now)
      : restarts_max_{restarts_max}, now_{std::move(now)} {}

  /// Finds leases that are over: those nodes are dead from now on. None, if leases are not judged now.
  std::vector<incarnation_no> find_dead(postgres_connection& db);

  /// Ends or requeues the runs of those that are dead.
  reap_reply end_runs(postgres_connection& db, std::int64_t now_ms);

 private:
  std::optional<std::int64_t> time_of_judgement(postgres_connection& db);

  std::uint32_t restarts_max_;
  std::function<clock::time_point()> now_;
  std::uint64_t connection_ = 0;  // of which the following is known
  std::int64_t since_ms_ = 0;     // from when on everybody could have renewed, on the server's clock
  std::int64_t seen_ms_ = 0;      // the server's clock, when it was looked at last,
  clock::time_point seen_at_;     // and ours
};

}  // namespace oncue::io
