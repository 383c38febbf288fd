#include "postgres_reaper.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/messages/mutants.hpp"
#include "store_log.hpp"
#include "store_writer.hpp"

namespace oncue::io {

namespace {

/// Which open runs end with their node: all but those that wait for a person. An index has the same words.
#define ONCUE_ENDS_WITH_NODE "stage=0 AND (state<>'paused' OR cancel_requested)"

/// Who has open runs is found by leaps through the index: the look costs the same however many runs are open, and however
/// many nodes have died. A run that somebody has in hand is left for the next time.
constexpr auto runs_of_the_dead =
    "WITH RECURSIVE owners(owner) AS ("
    "(SELECT owner FROM runs WHERE owner>0 AND " ONCUE_ENDS_WITH_NODE
    " ORDER BY owner LIMIT 1)"
    " UNION ALL SELECT (SELECT owner FROM runs WHERE owner>owners.owner AND " ONCUE_ENDS_WITH_NODE
    " ORDER BY owner LIMIT 1) FROM owners WHERE owners.owner IS NOT NULL)"
    " SELECT " ONCUE_RUN_COLUMNS
    ", on_node_loss, restarts, (SELECT name FROM nodes WHERE incarnation=owner),"
    " (SELECT parent FROM run_specs WHERE run_specs.run_no=runs.run_no)"
    " FROM runs WHERE " ONCUE_ENDS_WITH_NODE
    " AND owner=ANY(ARRAY(SELECT owners.owner FROM owners WHERE owners.owner IS NOT NULL AND NOT EXISTS("
    "SELECT FROM nodes WHERE nodes.incarnation=owners.owner AND nodes.state='up')))"
    " LIMIT ? FOR NO KEY UPDATE OF runs SKIP LOCKED";

struct lost_run {
  run_row run;
  bool may_restart = false;
  std::string node;
};

std::vector<lost_run> lock_lost_runs(sql_connection& db, std::uint32_t restarts_max) {
  std::vector<lost_run> lost;
  {
    query rows{db, runs_of_the_dead, core::limits::reaped_runs_max};
    while (rows.next()) {
      auto& [run, may_restart, node] =
          lost.emplace_back(lost_run{.run = row_of(rows), .node = rows.text(ONCUE_RUN_COLUMN_COUNT + 2)});
      may_restart = rows.number(ONCUE_RUN_COLUMN_COUNT) == static_cast<std::int64_t>(loss_policy::restart) &&
                    rows.count(ONCUE_RUN_COLUMN_COUNT + 1) < restarts_max &&
                    rows.text(ONCUE_RUN_COLUMN_COUNT + 3).empty() && !run.cancel_requested &&
                    run.summary.status != run_status::paused;
    }
  }
  // Sessions are locked in one order by all that reap.
  std::sort(lost.begin(), lost.end(), [](const lost_run& a, const lost_run& b) {
    return std::tie(a.run.summary.session, a.run.number) < std::tie(b.run.summary.session, b.run.number);
  });
  return lost;
}

/// A run that waits for a person, but works for another run, ends with its node as if it were at work.
void wake_children(sql_connection& db, const std::vector<std::int64_t>& of_nodes) {
  query{db,
        "UPDATE runs SET state='running' FROM run_specs WHERE run_specs.run_no=runs.run_no AND runs.stage=0"
        " AND runs.state='paused' AND runs.owner=ANY(?) AND run_specs.parent<>''",
        of_nodes}
      .run();
}

}  // namespace

void bury(sql_connection& db, incarnation_no who) {
  auto changed = query{db,
                       "UPDATE nodes SET state='dead', dead_at=clock_timestamp(),"
                       " lease_until=least(lease_until, clock_timestamp()) WHERE incarnation=? AND state='up'",
                       who}
                     .run();
  if (changed > 0) wake_children(db, {static_cast<std::int64_t>(who)});
}

/// The time on the server's clock before which leases have to have ended to be over; nothing if none is judged now.
std::optional<std::int64_t> postgres_reaper::time_of_judgement(postgres_connection& db) {
  auto asked_at = now_();
  query rows{db,
             "SELECT (extract(epoch FROM clock_timestamp())*1000)::bigint,"
             " min(lease_ms), max(lease_ms), bool_or(lease_until<clock_timestamp()) FROM nodes WHERE state='up'"};
  rows.next();
  auto told_at = now_();
  auto server_ms = rows.number(0);
  auto waited_ms = std::chrono::ceil<std::chrono::milliseconds>(told_at - seen_at_).count();
  auto is_new = std::exchange(connection_, db.connections()) != db.connections();
  // A server's end, crash or failover ends every connection. A clock that leaps makes every lease look over.
  if (is_new || server_ms - seen_ms_ > waited_ms + rows.number(1) / 4) since_ms_ = server_ms;
  seen_ms_ = server_ms;
  seen_at_ = asked_at;
  auto is_grace = server_ms <= since_ms_ + rows.number(2) && !planted(mutant::no_grace_after_outage);
  if (is_grace || rows.number(3) == 0) return std::nullopt;
  return server_ms;
}

std::vector<incarnation_no> postgres_reaper::find_dead(postgres_connection& db) {
  auto judged_ms = time_of_judgement(db);
  if (!judged_ms) return {};
  transaction step{db};
  std::vector<std::int64_t> dead;
  {
    query rows{db,
               "WITH late AS MATERIALIZED (SELECT incarnation FROM nodes WHERE state='up'"
               " AND lease_until<to_timestamp(?/1000.0) FOR NO KEY UPDATE SKIP LOCKED)"
               " UPDATE nodes SET state='dead', dead_at=clock_timestamp() FROM late"
               " WHERE nodes.incarnation=late.incarnation RETURNING nodes.incarnation",
               *judged_ms};
    while (rows.next()) dead.push_back(rows.number(0));
  }
  if (!dead.empty()) wake_children(db, dead);
  step.commit();
  return {dead.begin(), dead.end()};
}

reap_reply postgres_reaper::end_runs(postgres_connection& db, std::int64_t now_ms) {
  reap_reply reply;
  transaction step{db};
  auto lost = lock_lost_runs(db, restarts_max_);
  store_writer writer{db, {}};
  for (auto& [run, may_restart, node] : lost) {
    if (may_restart && writer.requeue(run)) {
      reply.requeued.push_back(run.summary.id);
      continue;
    }
    auto why = node.empty() ? "its node was lost" : "node '" + node + "' was lost";
    try {
      catch_up(db, run);
      writer.end_as(run, {.kind = ending_kind::failed, .code = failure_code::node_lost, .message = why}, now_ms);
      reply.ended.push_back(run.summary.id);
    } catch (const store_corrupt&) {
      // Its events cannot be read, perhaps by this version only. Nothing was changed, and the others go on.
    }
  }
  step.commit();
  reply.more = lost.size() >= core::limits::reaped_runs_max;
  return reply;
}

}  // namespace oncue::io
