// Nodes, leases and the runs that change hands, as the shared database keeps them.
#include <algorithm>
#include <utility>

#include "database.hpp"
#include "oncue/core/limits.hpp"
#include "store_log.hpp"
#include "store_writer.hpp"

namespace oncue::sim {

using io::query;

bool database::is_up(incarnation_no node) const {
  auto found = nodes_.find(node);
  return found != nodes_.end() && !found->second.facts.dead;
}

void database::bury(incarnation_no node) {
  auto& row = nodes_.at(node);
  if (std::exchange(row.facts.dead, true)) return;
  row.dead_at_us = luck_.now_us();
  row.until_us = std::min(row.until_us, row.dead_at_us);
  query{db_,
        "UPDATE runs SET state='running' WHERE stage=0 AND state='paused' AND owner=?"
        " AND (SELECT parent FROM run_specs WHERE run_specs.run_no=runs.run_no)<>''",
        node}
      .run();
  books_.died(node);
}

class simulated_members final : public io::member_store {
 public:
  simulated_members(database& db, std::shared_ptr<database_line> line) : db_{db}, line_{std::move(line)} {}

  io::store_result<enter_reply> enter(const io::node_facts& facts) override {
    return asked<enter_reply>([&] {
      enter_reply reply;
      auto now = db_.luck_.now_us();
      for (auto& [number, node] : db_.nodes_) {
        if (node.facts.dead || node.facts.name != facts.name) continue;
        if (node.until_us > now && !db_.knows_gone) {
          reply.taken_by = node.facts;
          reply.taken_by->lease_left_ms = (node.until_us - now) / 1000;
          return reply;
        }
        db_.bury(number);
      }
      reply.self = ++db_.last_;
      auto& row = db_.nodes_[reply.self];
      row.facts.incarnation = reply.self;
      row.facts.name = facts.name;
      row.facts.link_address = facts.link_address;
      row.facts.started_at_ms = now / 1000;
      row.lease_us = facts.lease_ms * 1000;
      row.until_us = now + row.lease_us;
      if (line_->life != 0) db_.books_.entered(reply.self, line_->life);
      return reply;
    });
  }

  io::store_result<lease_reply> renew(incarnation_no self, const node_load& load) override {
    return asked<lease_reply>([&] {
      lease_reply reply;
      if (!db_.is_up(self)) return reply;
      reply.alive = true;
      auto now = db_.luck_.now_us();
      auto& own = db_.nodes_.at(self);
      own.until_us = now + own.lease_us;
      own.facts.load = load;
      for (const auto& [number, node] : db_.nodes_) {
        auto& told = reply.nodes.emplace_back(node.facts);
        told.lease_left_ms = (node.until_us - now) / 1000;
      }
      query rows{db_.db_,
                 "SELECT run_id, cancel_reason, cancel_by, cancel_mode, cancel_grace_ms FROM runs WHERE stage=0"
                 " AND cancel_requested AND owner=? ORDER BY run_no",
                 self};
      while (rows.next()) {
        reply.cancels.push_back({.run = {rows.text(0)},
                                 .reason = rows.text(1),
                                 .by = rows.text(2),
                                 .mode = static_cast<cancel_mode>(rows.number(3)),
                                 .grace_ms = rows.count(4)});
      }
      query waits{db_.db_, "SELECT 1 FROM runs WHERE stage=0 AND state='queued' AND owner=0 LIMIT 1"};
      reply.work_waits = waits.next();
      return reply;
    });
  }

  io::store_result<reap_reply> reap(std::int64_t now_ms) override {
    return asked<reap_reply>([&] {
      reap_reply reply;
      auto now = db_.luck_.now_us();
      for (auto& [number, node] : db_.nodes_) {
        if (node.facts.dead || node.until_us >= now || now < db_.judges_from_us_) continue;
        db_.bury(number);
        reply.dead.push_back(number);
      }
      end_lost_runs(now_ms, reply);
      return reply;
    });
  }

  io::store_result<std::vector<run_id>> open_runs(incarnation_no self) override {
    return asked<std::vector<run_id>>([&] {
      std::vector<run_id> runs;
      query rows{db_.db_, "SELECT run_id FROM runs WHERE stage=0 AND state<>'paused' AND owner=? ORDER BY run_no", self};
      while (rows.next()) runs.push_back({rows.text(0)});
      return runs;
    });
  }

  io::store_result<std::vector<claimed_run>> claim(incarnation_no self, std::uint32_t runs_max) override {
    return asked<std::vector<claimed_run>>([&] { return take(self, runs_max); });
  }

  io::store_result<std::vector<run_id>> release(incarnation_no self, const std::vector<run_id>& runs) override {
    return asked<std::vector<run_id>>([&] {
      std::vector<run_id> released;
      for (const auto& run : runs) {
        query given{db_.db_,
                    "UPDATE runs SET owner=0, epoch=epoch+1 WHERE owner=?1 AND stage=0 AND state='queued'"
                    " AND NOT cancel_requested AND run_id=?2"
                    " AND (SELECT parent FROM run_specs WHERE run_specs.run_no=runs.run_no)=''",
                    self, run};
        if (given.run() == 0) continue;
        released.push_back(run);
        db_.books_.owned(run, 0);
      }
      return released;
    });
  }

  std::string leave(incarnation_no self) override {
    if (auto problem = db_.problem_of(*line_); !problem.empty()) return problem;
    if (db_.nodes_.contains(self)) db_.bury(self);
    return {};
  }

 private:
  /// Its answer may be lost although the work is done.
  template <class Reply, class Work>
  io::store_result<Reply> asked(Work work) {
    if (auto problem = db_.problem_of(*line_); !problem.empty()) return problem;
    try {
      io::transaction step{db_.db_};
      Reply reply = work();
      step.commit();
      if (!db_.loses_reply()) return reply;
      db_.luck_.tell("", "node " + std::to_string(line_->node) + " does not hear what became of its lease");
      return std::string{"the database did not answer"};
    } catch (const std::exception& error) {
      db_.luck_.broken("", std::string{"a question about leases failed: "} + error.what());
      return std::string{error.what()};
    }
  }

  std::vector<claimed_run> take(incarnation_no self, std::uint32_t runs_max) {
    std::vector<claimed_run> claimed;
    if (!db_.is_up(self) || db_.nodes_.at(self).until_us <= db_.luck_.now_us()) return claimed;
    std::vector<io::run_row> runs;
    {
      query rows{db_.db_,
                 "SELECT " ONCUE_RUN_COLUMNS
                 " FROM runs WHERE stage=0 AND state='queued' AND owner=0 ORDER BY run_no LIMIT ?",
                 runs_max};
      while (rows.next()) runs.push_back(io::row_of(rows));
    }
    for (auto& run : runs) {
      query{db_.db_, "UPDATE runs SET owner=?, epoch=epoch+1 WHERE run_no=?", self, run.number}.run();
      io::catch_up(db_.db_, run);
      auto& last = claimed.emplace_back();
      last.request = io::load_request(db_.db_, run);
      query policy{db_.db_, "SELECT on_node_loss FROM runs WHERE run_no=?", run.number};
      if (policy.next()) last.request.on_node_loss = static_cast<loss_policy>(policy.number(0));
      last.epoch = run.epoch + 1;
      last.created_at_ms = run.summary.created_at_ms;
      last.events = db_.whole_log(run.summary.id);
      db_.books_.owned(run.summary.id, self);
    }
    return claimed;
  }

  void end_lost_runs(std::int64_t now_ms, reap_reply& reply) {
    struct lost_run {
      io::run_row run;
      bool may_restart = false;
    };
    std::vector<lost_run> lost;
    {
      query rows{db_.db_,
                 "SELECT " ONCUE_RUN_COLUMNS
                 ", on_node_loss, restarts, (SELECT parent FROM run_specs WHERE run_specs.run_no=runs.run_no) FROM runs"
                 " WHERE stage=0 AND (state<>'paused' OR cancel_requested) AND owner>0 ORDER BY session, run_no"};
      while (rows.next()) {
        auto run = io::row_of(rows);
        if (db_.is_up(static_cast<incarnation_no>(run.owner))) continue;
        auto may_restart = rows.number(ONCUE_RUN_COLUMN_COUNT) == static_cast<std::int64_t>(loss_policy::restart) &&
                           rows.count(ONCUE_RUN_COLUMN_COUNT + 1) < core::limits::restarts_default &&
                           rows.text(ONCUE_RUN_COLUMN_COUNT + 2).empty() && !run.cancel_requested &&
                           run.summary.status != run_status::paused;
        lost.push_back({std::move(run), may_restart});
      }
    }
    io::store_writer writer{db_.db_, {}};
    for (auto& [run, may_restart] : lost) {
      if (may_restart && writer.requeue(run)) {
        reply.requeued.push_back(run.summary.id);
        db_.books_.owned(run.summary.id, 0);
        continue;
      }
      io::catch_up(db_.db_, run);
      ending how{.kind = ending_kind::failed, .code = failure_code::node_lost, .message = "its node was lost"};
      db_.books_.ended(run.summary.id, writer.end_as(run, std::move(how), now_ms), true);
      reply.ended.push_back(run.summary.id);
    }
  }

  database& db_;
  std::shared_ptr<database_line> line_;
};

std::shared_ptr<io::member_store> database::members_for(std::shared_ptr<database_line> line) {
  return std::make_shared<simulated_members>(*this, std::move(line));
}

}  // namespace oncue::sim
