#include "oncue/io/postgres_members.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "oncue/core/store_url.hpp"
#include "oncue/io/postgres_store.hpp"
#include "postgres_connection.hpp"
#include "postgres_reaper.hpp"
#include "postgres_url.hpp"
#include "store_log.hpp"

namespace oncue::io {

namespace {

/// The columns that node_of() reads.
#define ONCUE_NODE_COLUMNS                                                                                       \
  "incarnation, name, link_address, url, version, state='dead', (extract(epoch FROM started_at)*1000)::bigint, " \
  "(extract(epoch FROM lease_until-clock_timestamp())*1000)::bigint, queued, running, room, draining"
#define ONCUE_NODE_COLUMN_COUNT 12

node_record node_of(const query& rows, int column = 0) {
  return {.incarnation = rows.count(column),
          .name = rows.text(column + 1),
          .link_address = rows.text(column + 2),
          .url = rows.text(column + 3),
          .version = rows.text(column + 4),
          .dead = rows.number(column + 5) != 0,
          .started_at_ms = rows.number(column + 6),
          .lease_left_ms = rows.number(column + 7),
          .load = {.queued = rows.count(column + 8),
                   .running = rows.count(column + 9),
                   .room = rows.count(column + 10),
                   .draining = rows.number(column + 11) != 0}};
}

cancel_mode mode_of(std::int64_t number) {
  auto last = static_cast<std::int64_t>(enum_max(cancel_mode{}));
  return number >= 0 && number <= last ? static_cast<cancel_mode>(number) : cancel_mode::immediate;
}

loss_policy policy_of(std::int64_t number) {
  return number == static_cast<std::int64_t>(loss_policy::restart) ? loss_policy::restart : loss_policy::fail;
}

// -- entering and leaving ------------------------------------------------------------

/// The node of this name that has a lease, unless it is found to be over now. `may_be_own`: it may be a former
/// life of this very process, or an entry that it never had an answer to.
std::optional<node_record> holder_of(sql_connection& db, const node_facts& facts, bool may_be_own) {
  std::optional<node_record> holder;
  bool is_over = false;
  {
    query rows{db,
               "SELECT " ONCUE_NODE_COLUMNS
               ", lease_until<=clock_timestamp(), process FROM nodes WHERE name=? AND state='up' FOR NO KEY UPDATE",
               facts.name};
    if (!rows.next()) return std::nullopt;
    holder = node_of(rows);
    auto process = rows.text(ONCUE_NODE_COLUMN_COUNT + 1);
    auto is_own = may_be_own && !process.empty() && process == facts.process;
    is_over = rows.number(ONCUE_NODE_COLUMN_COUNT) != 0 || is_own || is_process_gone(process);
  }
  if (!is_over) return holder;
  bury(db, holder->incarnation);
  return std::nullopt;
}

enter_reply enter(sql_connection& db, const node_facts& facts, bool may_be_own) {
  transaction entry{db};
  // Two that come with one name at the same time: the second one waits, and sees the first.
  query{db, "SELECT pg_advisory_xact_lock(hashtext('oncue node'), hashtext(?))", facts.name}.next();
  enter_reply reply{.self = 0, .taken_by = holder_of(db, facts, may_be_own)};
  if (!reply.taken_by) {
    query rows{db,
               "INSERT INTO nodes(name, link_address, url, version, process, lease_ms, lease_until)"
               " VALUES(?1, ?2, ?3, ?4, ?5, ?6, clock_timestamp()+?6*interval '1 ms') RETURNING incarnation",
               facts.name,
               facts.link_address,
               facts.url,
               facts.version,
               facts.process,
               facts.lease_ms};
    rows.next();
    reply.self = rows.count(0);
  }
  entry.commit();
  return reply;
}

// -- the lease -----------------------------------------------------------------------

/// One statement, because every node asks each second: the lease anew, and whatever the node must know. What it reads is
/// older than what it writes: this node's own lease is told as it is now.
constexpr auto renewal =
    "WITH renewed AS (UPDATE nodes SET lease_until=clock_timestamp()+lease_ms*interval '1 ms', queued=?2,"
    " running=?3, room=?4, draining=?5 WHERE incarnation=?1 AND state='up' RETURNING incarnation)"
    " SELECT 1 AS part, shown.* FROM renewed, LATERAL (SELECT " ONCUE_NODE_COLUMNS
    ", lease_ms FROM nodes WHERE state='up' OR state='dead'"
    " AND dead_at>clock_timestamp()-?6*interval '1 ms' ORDER BY state='up' DESC, dead_at DESC, incarnation LIMIT ?7) shown"
    " UNION ALL SELECT 2, asked.* FROM renewed, LATERAL (SELECT run_no, run_id, cancel_reason, cancel_by, '', false,"
    " cancel_mode, cancel_grace_ms, 0::bigint, 0::bigint, 0::bigint, false, 0::bigint FROM runs WHERE stage=0"
    " AND cancel_requested AND owner=renewed.incarnation ORDER BY run_no LIMIT ?8) asked"
    " UNION ALL SELECT 3, 0, '', '', '', '', false, 0, 0, 0, 0, 0, false, 0 FROM renewed"
    " WHERE EXISTS(SELECT FROM runs WHERE stage=0 AND state='queued' AND owner=0)";

lease_reply renew(sql_connection& db, incarnation_no self, const node_load& load) {
  using namespace core::limits;
  lease_reply reply;
  query rows{db,
             renewal,
             self,
             load.queued,
             load.running,
             load.room,
             load.draining,
             dead_node_told.count(),
             nodes_told_max,
             pending_cancels_max};
  while (rows.next()) {
    reply.alive = true;
    switch (rows.number(0)) {
      case 1: {
        auto& node = reply.nodes.emplace_back(node_of(rows, 1));
        if (node.incarnation != self) break;
        node.lease_left_ms = rows.number(13);
        node.load = load;
        break;
      }
      case 2:
        reply.cancels.push_back({.run = {rows.text(2)},
                                 .reason = rows.text(3),
                                 .by = rows.text(4),
                                 .mode = mode_of(rows.number(7)),
                                 .grace_ms = rows.count(8)});
        break;
      default: reply.work_waits = true;
    }
  }
  return reply;
}

// -- runs that change hands ------------------------------------------------------------

std::vector<run_id> open_runs(sql_connection& db, incarnation_no self) {
  std::vector<run_id> runs;
  query rows{db, "SELECT run_id FROM runs WHERE stage=0 AND state<>'paused' AND owner=? ORDER BY run_no", self};
  while (rows.next()) runs.push_back({rows.text(0)});
  return runs;
}

std::vector<run_id> release(sql_connection& db, incarnation_no self, const std::vector<run_id>& runs) {
  std::vector<std::string_view> names;
  names.reserve(runs.size());
  for (const auto& run : runs) names.push_back(run.value);
  std::vector<run_id> released;
  // One whose cancel was accepted stays: nobody else has been told. And one that works for a run of this node.
  query rows{db,
             "UPDATE runs SET owner=0, epoch=epoch+1 WHERE owner=?1 AND stage=0 AND state='queued' AND NOT cancel_requested"
             " AND (SELECT parent FROM run_specs WHERE run_specs.run_no=runs.run_no)='' AND run_id IN (SELECT "
             "convert_from(name, 'UTF8') FROM unnest(?2) name) RETURNING run_id",
             self, names};
  while (rows.next()) released.push_back({rows.text(0)});
  return released;
}

std::vector<claimed_run> claim(sql_connection& db, incarnation_no self, std::uint32_t runs_max) {
  transaction step{db};
  struct taken {
    run_row run;
    loss_policy policy = loss_policy::fail;
  };
  std::vector<taken> runs;
  {
    query rows{db,
               "WITH next AS MATERIALIZED (SELECT run_no AS number FROM runs WHERE stage=0 AND state='queued' AND owner=0"
               " AND EXISTS(SELECT FROM nodes WHERE incarnation=?1 AND state='up' AND lease_until>clock_timestamp())"
               " ORDER BY run_no LIMIT ?2 FOR NO KEY UPDATE OF runs SKIP LOCKED)"
               " UPDATE runs SET owner=?1, epoch=epoch+1 FROM next WHERE run_no=next.number RETURNING " ONCUE_RUN_COLUMNS
               ", on_node_loss",
               self, runs_max};
    while (rows.next()) runs.push_back({row_of(rows), policy_of(rows.number(ONCUE_RUN_COLUMN_COUNT))});
  }
  std::sort(runs.begin(), runs.end(), [](const taken& a, const taken& b) { return a.run.number < b.run.number; });
  text_cache cache;
  std::vector<claimed_run> claimed;
  for (auto& [run, policy] : runs) {
    catch_up(db, run);
    auto& last = claimed.emplace_back();
    last.request = load_request(db, run);
    last.request.on_node_loss = policy;
    last.epoch = run.epoch;
    last.created_at_ms = run.summary.created_at_ms;
    for_each_event(db, run, 0, cache, [&](event_ptr event) {
      last.events.push_back(std::move(event));
      return true;
    });
  }
  step.commit();
  return claimed;
}

// -- the port --------------------------------------------------------------------------

class members final : public member_store {
 public:
  explicit members(const postgres_members_options& options)
      : db_{options.url}, reaper_{options.restarts_max, options.now} {}

  void connect() { db_.connect(); }

  store_result<enter_reply> enter(const node_facts& facts) override {
    auto reply = guarded([&] { return io::enter(db_, facts, has_tried_); });
    if (auto* entry = std::get_if<enter_reply>(&reply)) {
      has_tried_ = has_tried_ || entry->self != 0;
    } else {
      has_tried_ = true;
    }
    return reply;
  }
  store_result<lease_reply> renew(incarnation_no self, const node_load& load) override {
    return guarded([&] { return io::renew(db_, self, load); });
  }
  store_result<reap_reply> reap(std::int64_t now_ms) override {
    auto found = guarded([&] { return reaper_.find_dead(db_); });
    if (auto* problem = std::get_if<std::string>(&found)) return std::move(*problem);
    auto& dead = std::get<std::vector<incarnation_no>>(found);
    auto reaped = guarded([&] { return reaper_.end_runs(db_, now_ms); });
    if (auto* reply = std::get_if<reap_reply>(&reaped)) {
      reply->dead = std::move(dead);
    } else if (!dead.empty()) {
      // Who is dead is told once, whatever is wrong with their runs: the next call will say it.
      reaped = reap_reply{.dead = std::move(dead), .ended = {}, .requeued = {}, .more = true};
    }
    return reaped;
  }
  store_result<std::vector<run_id>> open_runs(incarnation_no self) override {
    return guarded([&] { return io::open_runs(db_, self); });
  }
  store_result<std::vector<claimed_run>> claim(incarnation_no self, std::uint32_t runs_max) override {
    return guarded([&] { return io::claim(db_, self, runs_max); });
  }
  store_result<std::vector<run_id>> release(incarnation_no self, const std::vector<run_id>& runs) override {
    return guarded([&] { return io::release(db_, self, runs); });
  }
  std::string leave(incarnation_no self) override {
    auto done = guarded([&] {
      transaction end{db_};
      bury(db_, self);
      end.commit();
      return true;
    });
    auto* problem = std::get_if<std::string>(&done);
    return problem ? std::move(*problem) : std::string{};
  }

 private:
  /// Once more if it gave way to another node's transaction: nothing of it was done then.
  template <class Operation>
  auto guarded(Operation&& operation) -> store_result<decltype(operation())> {
    for (auto tries_left = core::limits::database_tries_max;;) {
      try {
        return operation();
      } catch (const store_conflict& conflict) {
        if (--tries_left == 0) return database_problem(db_.name(), conflict);
      } catch (const std::exception& error) {
        return database_problem(db_.name(), error);
      }
    }
  }

  postgres_connection db_;
  postgres_reaper reaper_;
  // It has entered, or may have: who enters again has given that life up, or never heard of it.
  bool has_tried_ = false;
};

}  // namespace

store_result<std::unique_ptr<member_store>> postgres_members::open(const postgres_members_options& options) {
  if (auto wrong = url_problem(options.url); !wrong.empty()) return wrong;
  auto opened = std::make_unique<members>(options);
  try {
    opened->connect();
  } catch (const std::exception& error) {
    return database_problem(core::without_password(options.url), error);
  }
  return std::unique_ptr<member_store>{std::move(opened)};
}

}  // namespace oncue::io
