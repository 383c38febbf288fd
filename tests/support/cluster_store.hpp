// A cluster as its database sees it: nodes without actors, each with connections of its own, and a way to make leases late
// without waiting for them.
#pragma once

#include <caf/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "oncue/io/postgres_members.hpp"
#include "oncue/io/postgres_store.hpp"
#include "support/postgres.hpp"
#include "support/promises.hpp"

namespace oncue::test {

/// Short, so that whoever reaps has waited for it at once. It never ends by itself: see stored_cluster::enter().
inline constexpr std::int64_t short_lease_ms = 20;

/// Longer than anything takes on a loaded machine; a test that waits so long has failed.
inline constexpr std::chrono::seconds store_patience{20};

/// Tables of one test's own, and a connection for what no port can do: it looks into them, and changes what time would.
class stored_cluster {
 public:
  using steady = std::chrono::steady_clock;

  explicit stored_cluster(const std::string& server = postgres_url())
      : tables_{server}, url_{tables_.url() + "&application_name=" + tables_.name()} {
    open_runs();
  }

  /// As the server does when it ends.
  void end_all_connections() {
    ask("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name='" + tables_.name() +
        "'");
  }

  /// The first value of the first row, or nothing.
  std::string ask(const std::string& sql) { return tables_.client()(sql); }

  std::unique_ptr<io::member_store> open_members(decltype(io::postgres_members_options::now) now = &steady::now) {
    return must(io::postgres_members::open({.url = url_, .restarts_max = 1, .now = std::move(now)}));
  }
  std::unique_ptr<io::run_store> open_runs(incarnation_no self = 0) { return open_postgres(url_, self); }

  /// Its lease is short, and far from its end until a test says otherwise.
  struct node {
    incarnation_no self = 0;
    std::unique_ptr<io::member_store> members;
    std::unique_ptr<io::run_store> runs;
  };
  node enter(const std::string& name, std::int64_t lease_ms = short_lease_ms) {
    node entered{.self = 0, .members = open_members(), .runs = {}};
    auto reply = must(entered.members->enter({.name = name, .lease_ms = lease_ms}));
    CAF_REQUIRE(reply.self != 0);
    entered.self = reply.self;
    entered.runs = open_runs(reply.self);
    keep(entered);
    return entered;
  }

  void keep(const node& who) { set_lease(who, "+ interval '1 hour'"); }
  void make_late(const node& who) { set_lease(who, "- interval '1 hour'"); }

  std::string state_of(const node& who) {
    return ask("SELECT state FROM nodes WHERE incarnation=" + std::to_string(who.self));
  }
  std::string in_run(const std::string& id, const std::string& what) {
    return ask("SELECT " + what + " FROM runs WHERE run_id='" + id + "'");
  }

  /// Until one pass has found nodes dead, all that it and the ones before it did.
  static io::reap_reply reap_dead(io::member_store& members, std::int64_t now_ms = 5000) {
    io::reap_reply all;
    for (auto until = steady::now() + store_patience; all.dead.empty();) {
      if (steady::now() > until) CAF_FAIL("nobody is found dead");
      auto reply = must(members.reap(now_ms));
      all.dead = reply.dead;
      all.ended.insert(all.ended.end(), reply.ended.begin(), reply.ended.end());
      all.requeued.insert(all.requeued.end(), reply.requeued.begin(), reply.requeued.end());
      all.more = reply.more;
    }
    return all;
  }
  io::reap_reply reap_dead(const node& by, const node& late) {
    make_late(late);
    return reap_dead(*by.members);
  }

 private:
  void set_lease(const node& who, const std::string& from_now) {
    ask("UPDATE nodes SET lease_until=clock_timestamp()" + from_now + " WHERE incarnation=" + std::to_string(who.self));
  }

  postgres_schema tables_;
  std::string url_;
};

}  // namespace oncue::test
