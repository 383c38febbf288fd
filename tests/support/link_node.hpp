// Whole nodes with links between them, in one process: each has its actor system, real sockets on loopback, and a store
// that it shares with the others. Who is there the test says, in the membership's place.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "oncue/actors/alarm_clock.hpp"
#include "oncue/actors/neighbours.hpp"
#include "oncue/actors/scripted_model_stream.hpp"
#include "oncue/actors/store_journal.hpp"
#include "oncue/actors/subscription.hpp"
#include "oncue/actors/supervisor.hpp"
#include "support/cluster_front.hpp"
#include "support/promises.hpp"
#include "support/shared_store.hpp"

namespace oncue::test {

using namespace std::chrono_literals;

/// How long a test waits for what must come.
inline constexpr auto link_patience = 20s;

/// A user's own actor that reads a run, and what it has seen so far. For any thread.
class watched_run {
 public:
  using notes = std::vector<batch_note>;

  struct seen {
    std::vector<event_ptr> events;
    notes words;
    bool over = false;
    std::string lost;
    std::size_t held = 0;  ///< batches that wait for the test to let them pass
  };

  template <class Predicate>
  bool wait_until(Predicate holds) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, link_patience, [&] { return holds(seen_); });
  }
  bool ends() {
    return wait_until([](const seen& x) { return x.over; });
  }
  bool reaches(std::size_t events) {
    return wait_until([=](const seen& x) { return x.events.size() >= events; });
  }
  seen now() {
    std::scoped_lock lock{mutex_};
    return seen_;
  }
  template <class Change>
  void change(Change how) {
    std::scoped_lock lock{mutex_};
    how(seen_);
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  seen seen_;
};

class watcher_state {
 public:
  static constexpr const char* name = "watcher";

  watcher_state(subscriber_actor::pointer self, supervisor_actor supervisor, run_id run, event_index from,
                std::shared_ptr<watched_run> out)
      : self_{self}, events_{self, std::move(supervisor), std::move(run), from}, out_{std::move(out)} {}

  subscriber_actor::behavior_type make_behavior() {
    self_->set_down_handler([this](const caf::down_msg& down) { events_.on_down(down); });
    events_.open();
    return {[this](event_batch& batch) {
      auto events = events_.take(batch);
      using enum actors::subscription_state;
      auto is_reading = events_.state() == reading;
      out_->change([&](watched_run::seen& seen) {
        seen.events.insert(seen.events.end(), events.begin(), events.end());
        if (batch.note != batch_note::none) seen.words.push_back(batch.note);
        seen.over = !is_reading;
        seen.lost = events_.why();
      });
      if (is_reading) {
        events_.pull();
      } else {
        self_->quit();
      }
    }};
  }

 private:
  subscriber_actor::pointer self_;
  actors::subscription<subscriber_actor::base> events_;
  std::shared_ptr<watched_run> out_;
};

/// In the membership's place: only counts.
struct membership_counts {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t work_waits = 0;
};

struct link_node_options {
  core::scripted_spec scripted{.first_token_delay = 0ms, .token_delay = 1ms};
  core::cluster_settings links;
  std::uint64_t text_bytes_max = core::limits::run_text_bytes_max;
  core::link_versions speaks = core::link_versions_here;
};

class link_node {
 public:
  link_node(std::shared_ptr<shared_disk> disk, incarnation_no number, link_node_options options = {})
      : disk_{std::move(disk)}, number_{number}, options_{std::move(options)}, system_{configure()} {
    auto entry = std::make_shared<core::agent_entry>();
    entry->agent.id = {"writer"};
    entry->agent.name = "Writer";
    entry->model.name = "test-model";
    entry->model.scripted = options_.scripted;
    entry->agent.run_text_bytes_max = options_.text_bytes_max;
    auto catalog = std::make_shared<core::catalog>();
    catalog->agents[entry->agent.id] = entry;
    auto env = std::make_shared<actors::node_env>();
    env->catalog = catalog;
    env->archive = actors::spawn_store_archive(system_, std::make_shared<shared_archive>(disk_));
    env->journal = actors::spawn_store_journal(system_, std::make_shared<shared_store>(disk_, number_), env->archive);
    env->alarms = actors::spawn_alarm_clock(system_);
    env->open_model = [this, alarms = env->alarms](const std::shared_ptr<const core::agent_entry>& which) {
      return actors::spawn_scripted_model_stream(system_, which, alarms);
    };
    env->unix_ms = io::unix_ms;
    env->random = io::random_bits;
    env_ = env;
    supervisor_ = actors::spawn_supervisor(system_, env);
    front_ = spawn_cluster_front(system_, supervisor_, env->journal);
    membership_ = system_.spawn(counting_membership, counts_);
    auto opened = actors::open_links(system_, env, {options_.links, name(), "test", options_.speaks}, front_);
    if (auto* problem = std::get_if<std::string>(&opened)) {
      stop();
      throw std::runtime_error{*problem};
    }
    links_ = std::get<actors::node_links>(opened);
    actors::introduce(links_.neighbours, membership_);
    caf::anon_send(front_, join_cluster{links_.neighbours, membership_});
  }

  ~link_node() { stop(); }

  /// As a node stops that is asked to; its sockets close.
  void stop() {
    if (!supervisor_) return;
    {
      caf::scoped_actor self{system_};
      self->request(supervisor_, link_patience, drain_node{0, 5000})
          .receive([](const drain_reply&) {}, [](const caf::error&) {});
      auto stop_one = [&](const auto& handle) { self->send_exit(handle, caf::exit_reason::user_shutdown); };
      stop_one(front_);
      if (links_.neighbours) stop_one(links_.neighbours);
      stop_one(supervisor_);
      stop_one(membership_);
      stop_one(env_->journal);
      stop_one(env_->archive);
      stop_one(env_->alarms);
    }
    front_ = nullptr;
    links_ = {};
    supervisor_ = nullptr;
    membership_ = nullptr;
    env_ = nullptr;
  }

  std::string name() const { return "node-" + std::to_string(number_); }
  incarnation_no number() const { return number_; }
  const std::string& address() const { return links_.address; }
  caf::actor_system& system() { return system_; }
  const neighbours_actor& neighbours() const { return links_.neighbours; }
  const supervisor_actor& supervisor() const { return front_; }
  membership_counts& counts() { return *counts_; }

  node_record record() const {
    return {.incarnation = number_, .name = name(), .link_address = links_.address, .lease_left_ms = 10'000};
  }

  /// What the membership would say.
  void tell(std::vector<node_record> nodes) {
    caf::anon_send(links_.neighbours, nodes_known{number_, std::move(nodes), {}});
  }

  template <class Reply, class Request>
  std::optional<Reply> ask(Request what) {
    caf::scoped_actor self{system_};
    std::optional<Reply> result;
    self->request(front_, link_patience, std::move(what))
        .receive([&](Reply& reply) { result = std::move(reply); }, [](const caf::error&) {});
    return result;
  }

  start_reply start(std::string id, std::string agent = "writer") {
    auto reply = ask<start_reply>(run_request{.id = {std::move(id)}, .agent = {std::move(agent)}, .input = "tell"});
    return reply ? *reply : start_reply{.refused = refusal{refusal_code::draining, "no answer"}};
  }
  cancel_reply cancel(std::string id, std::uint32_t wait_ms = 1000) {
    auto reply =
        ask<cancel_reply>(cancel_request{.run = {std::move(id)}, .reason = "enough", .by = "test", .wait_ms = wait_ms});
    return reply ? *reply : cancel_reply{};
  }
  std::shared_ptr<watched_run> watch(std::string id, event_index from = 0) {
    auto seen = std::make_shared<watched_run>();
    system_.spawn<subscriber_actor::stateful_impl<watcher_state>>(front_, run_id{std::move(id)}, from, seen);
    return seen;
  }

  node_line line_of(incarnation_no other) {
    caf::scoped_actor self{system_};
    node_line result;
    self->request(links_.neighbours, link_patience, list_nodes{})
        .receive(
            [&](const node_list& list) {
              for (const auto& line : list.nodes) {
                if (line.node.incarnation == other) result = line;
              }
            },
            [](const caf::error&) {});
    return result;
  }
  /// Waits for the link to that node to be so.
  bool link_is(incarnation_no other, link_state state) {
    return eventually([&] { return line_of(other).link == state; });
  }

  template <class Predicate>
  static bool eventually(Predicate holds) {
    auto until = std::chrono::steady_clock::now() + link_patience;
    while (std::chrono::steady_clock::now() < until) {
      if (holds()) return true;
      std::this_thread::yield();
    }
    return false;
  }

 private:
  caf::actor_system_config& configure() {
    init_messages();
    config_.set("caf.scheduler.max-threads", 2);
    config_.set("caf.scheduler.policy", "sharing");
    config_.set("caf.logger.console.verbosity", "quiet");
    auto problem = actors::configure_links(config_, options_.links);
    if (!problem.empty()) throw std::runtime_error{problem};
    return config_;
  }

  static membership_actor::behavior_type counting_membership(membership_actor::pointer,
                                                             std::shared_ptr<membership_counts> counts) {
    return {
        [counts](work_waits) {
          std::scoped_lock lock{counts->mutex};
          ++counts->work_waits;
          counts->changed.notify_all();
        },
        [](const release_runs&) { return released_runs{}; },
        [](leave_cluster) {},
    };
  }

  std::shared_ptr<shared_disk> disk_;
  incarnation_no number_;
  link_node_options options_;
  caf::actor_system_config config_;
  caf::actor_system system_;
  std::shared_ptr<const actors::node_env> env_;
  supervisor_actor supervisor_;
  membership_actor membership_;
  std::shared_ptr<membership_counts> counts_ = std::make_shared<membership_counts>();
  actors::node_links links_;
  supervisor_actor front_;
};

/// Each of these nodes is told of all of them.
inline void acquaint(const std::vector<link_node*>& nodes) {
  std::vector<node_record> records;
  for (auto* node : nodes) records.push_back(node->record());
  for (auto* node : nodes) node->tell(records);
}

}  // namespace oncue::test
